// What S3's own answer means: whether the object, the slot or the setup is wrong. Pure.

import {
  type Refusal,
  type Upstream,
  type UpstreamEvent,
  type UpstreamRefusal,
  upstreamOf,
} from "../http/refusal.ts";
import type { S3Reply } from "../http/s3-reply.ts";

/**
 * Why a request was denied, with S3's code and what to do. `served`: S3 gives the object to the Worker.
 * `object-refused`: S3 knows the slot, and denies the object, or has none. `misconfigured`: no slot can work.
 */
export type Verdict = {
  readonly s3Code?: string | undefined;
  readonly reason?: string | undefined;
} & (
  | { readonly result: "served" | "object-refused" | "misconfigured" | "unknown" }
  | { readonly result: "slot-refused"; readonly s3Code: string }
);

/** A clock is wrong (A7). */
const SKEWED = "RequestTimeTooSkewed";

/** What S3's codes mean (A5, A6, A7, A9). */
const RESULTS = new Map<
  string,
  readonly ["object-refused" | "slot-refused" | "unknown", reason?: string]
>([
  ["AccessDenied", ["object-refused", "missing, or not allowed by the key's policy"]],
  ["InvalidObjectState", ["object-refused", "in an archive: restore it"]],
  ["NoSuchKey", ["object-refused"]],
  ["NoSuchBucket", ["unknown", "check bucket"]],
  ["AuthorizationHeaderMalformed", ["slot-refused"]],
  ["ExpiredToken", ["slot-refused"]],
  ["InvalidAccessKeyId", ["slot-refused"]],
  ["InvalidArgument", ["slot-refused"]], // R2, if the key id cannot be one
  ["InvalidSecurity", ["slot-refused"]],
  ["InvalidToken", ["slot-refused"]],
  ["SignatureDoesNotMatch", ["slot-refused"]],
]);

/** @param configured the region of the request */
export function verdictOf(reply: S3Reply, configured: string): Verdict {
  const { status, code: s3Code, region = configured, ahead } = reply;
  if (status === undefined) return { result: "unknown", reason: "S3 itself does not answer" };
  const misconfigured = (problem: string): Verdict => {
    return { result: "misconfigured", s3Code, reason: problem };
  };
  // 416: the object is empty, so it has no first byte.
  if ([200, 206, 416].includes(status)) return { result: "served" };
  if (s3Code === SKEWED) {
    const apart = ahead === undefined ? "over 15 minutes from" : `${ahead} s ahead of`;
    return misconfigured(`S3's clock is ${apart} the Worker's`);
  }
  if (status === 401) return { result: "slot-refused", s3Code: s3Code ?? "401" };
  const [result, reason] = RESULTS.get(s3Code ?? "") ?? [];
  if (region !== configured && (!result || s3Code === "AuthorizationHeaderMalformed")) {
    return misconfigured(`the bucket is in ${region}: set region (and endpoint)`);
  }
  if (result) return { result, s3Code: s3Code ?? "", reason };
  if (status === 404) return { result: "object-refused", s3Code: s3Code ?? "404" };
  if (status >= 300 && status < 400) {
    return misconfigured("S3 redirects: check endpoint and region");
  }
  return { result: "unknown", s3Code, reason: `S3 itself answers ${status}` };
}

/** Why an object could not be opened with one credential. */
export type S3Refusal =
  | { readonly refusal: UpstreamRefusal; readonly verdict: Verdict }
  /** S3 did not answer, or not as asked. */
  | { readonly refusal: Refusal; readonly verdict?: undefined };

/**
 * Returns whether a refusal proves nothing about the object, so a stored rendition is still shown. A closed list: with
 * any other refusal the picture is taken down.
 * @param refusal of the object
 */
export function isOutage(refusal: Refusal): boolean {
  const { event } = refusal;
  if (event === "slots-refused" || event === "role-refused") return true;
  const { status, s3Code } = upstreamOf(refusal);
  if (event === "timed-out" || event === "origin-failed")
    return status === undefined || isDown(status);
  return event === "origin-denied" && (s3Code === SKEWED || isDown(status ?? 0));
}

/** Returns whether a status proves nothing about the object: S3 redirects, fails, or is busy. */
function isDown(status: number): boolean {
  return status >= 500 || status === 429 || (status >= 300 && status < 400);
}

/** Returns whether S3 says that there is no such object. A 404 without its code may be a proxy's. */
export function isGone(refusal: Refusal): boolean {
  return refusal.event === "object-missing" && refusal.s3Code !== "404";
}

/** The statuses of a host in front of S3 that got no answer in time. */
export const TIMEOUT_STATUSES: readonly unknown[] = [408, 504, 522, 524];

/** Why a request gets no image, where S3 refuses the object to one credential. */
export function refusalOf(reply: S3Reply, region: string): S3Refusal {
  const verdict = verdictOf(reply, region);
  const { result, s3Code, reason } = verdict;
  const { status = 0 } = reply;
  const refuse = (event: UpstreamEvent, more: Upstream = {}): S3Refusal => {
    return { verdict, refusal: { event, status, s3Code, reason, s3: reply, ...more } };
  };
  if (result === "object-refused") {
    const isMissing = s3Code === "NoSuchKey" || s3Code === "404";
    return refuse(isMissing ? "object-missing" : "object-denied", { certain: true });
  }
  if (TIMEOUT_STATUSES.includes(status)) return refuse("timed-out");
  if (status === 429 || status >= 500) {
    const busy = { reason: "the origin fails, or is busy", isTransient: true }; // A9
    return refuse("origin-failed", busy);
  }
  return refuse("origin-denied");
}
