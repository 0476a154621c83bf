// What S3's own answer means: whether S3 refuses the object, the slot (one of the two key pairs of a bucket) or the
// whole setup. Pure.
//
// Two mistakes would be seen by visitors. If a missing object counted as an outage, its old picture would be shown for
// ever. If an outage counted as a missing object, the picture would be taken down although its object is there.

import { type Refusal, type Upstream, type UpstreamRefusal, upstreamOf } from "../http/refusal.ts";
import type { S3Reply } from "../http/s3-reply.ts";

/** What S3's answer to one request means. */
export type Verdict = {
  /** S3's error code, or `401` or `404` if such an answer has no code. */
  readonly s3Code?: string | undefined;
  /** What is wrong, or what to do, in plain words. */
  readonly reason?: string | undefined;
} & (
  | { readonly result: VerdictResult }
  /** S3 does not accept the key of this slot. Another slot may have a good one. */
  | { readonly result: "slot-refused"; readonly s3Code: string }
);

type VerdictResult =
  /** S3 gives the object. */
  | "served"
  /** S3 accepts the key, and denies it this object, or has no such object. */
  | "object-refused"
  /** The bucket's settings or a clock are wrong: no slot can work. */
  | "misconfigured"
  /** Nothing is known about the slot or the object: S3 is busy, fails, or has a code of its own. */
  | "unknown";

/** S3's code where the clocks are more than 15 minutes apart (A7). */
const SKEWED = "RequestTimeTooSkewed";

/** S3's code where the region of the signature is wrong (A5), or where the signature has no right form. */
const MALFORMED = "AuthorizationHeaderMalformed";

/** What S3's codes mean (A5, A6, A7, A9). A code that is not here has no known meaning. */
const VERDICTS: readonly (Verdict & { readonly s3Code: string })[] = [
  {
    s3Code: "AccessDenied",
    result: "object-refused",
    reason: "missing, or not allowed by the key's policy",
  },
  { s3Code: "InvalidObjectState", result: "object-refused", reason: "in an archive: restore it" },
  { s3Code: "NoSuchKey", result: "object-refused" },
  { s3Code: "NoSuchBucket", result: "unknown", reason: "check bucket" },
  { s3Code: MALFORMED, result: "slot-refused" },
  { s3Code: "ExpiredToken", result: "slot-refused" },
  { s3Code: "InvalidAccessKeyId", result: "slot-refused" },
  { s3Code: "InvalidArgument", result: "slot-refused" }, // R2, if the key id cannot be one
  { s3Code: "InvalidSecurity", result: "slot-refused" },
  { s3Code: "InvalidToken", result: "slot-refused" },
  { s3Code: "SignatureDoesNotMatch", result: "slot-refused" },
];

/** What stands for S3's code if a 404 has none. */
const NO_CODE = "404";

/** 416 means that the object is empty: it has no first byte, and the Worker asks for the first bytes. */
const SERVED_STATUSES = [200, 206, 416];

/** @param configuredRegion the region with which the request was signed */
export function verdictOf(reply: S3Reply, configuredRegion: string): Verdict {
  const { status, code: s3Code, region, ahead } = reply;
  if (status === undefined) return { result: "unknown", reason: "S3 itself does not answer" };
  if (SERVED_STATUSES.includes(status)) return { result: "served" };

  if (s3Code === SKEWED) {
    const distance = ahead === undefined ? "over 15 minutes from" : `${ahead} s ahead of`;
    return misconfigured(s3Code, `S3's clock is ${distance} the Worker's`);
  }

  // R2 answers 401 where it does not know the key (A7).
  if (status === 401) return { result: "slot-refused", s3Code: s3Code ?? "401" };

  // A known code counts more than another region that S3 names beside it, unless the code is about the region itself.
  const verdict = VERDICTS.find((candidate) => candidate.s3Code === s3Code);
  const isElsewhere = region !== undefined && region !== configuredRegion;
  if (isElsewhere && (verdict === undefined || s3Code === MALFORMED)) {
    return misconfigured(s3Code, `the bucket is in ${region}: set region (and endpoint)`);
  }
  if (verdict) return verdict;

  if (status === 404) return { result: "object-refused", s3Code: s3Code ?? NO_CODE };
  if (isRedirect(status)) return misconfigured(s3Code, "S3 redirects: check endpoint and region");
  return { result: "unknown", s3Code, reason: `S3 itself answers ${status}` };
}

function misconfigured(s3Code: string | undefined, reason: string): Verdict {
  return { result: "misconfigured", s3Code, reason };
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

/** Why an object could not be opened with one credential. */
export type S3Refusal =
  /** S3 answered, and did not give the object. */
  | { readonly kind: "refused"; readonly refusal: UpstreamRefusal; readonly verdict: Verdict }
  /** S3 did not answer, broke off, or sent something else than was asked for. */
  | { readonly kind: "failed"; readonly refusal: Refusal };

/** The statuses of a host in front of S3 that got no answer in time. */
export const TIMEOUT_STATUSES: readonly unknown[] = [408, 504, 522, 524];

/** Why a request gets no image, where S3 refuses the object to one credential. */
export function refusalOf(reply: S3Reply, configuredRegion: string): S3Refusal {
  const verdict = verdictOf(reply, configuredRegion);
  return { kind: "refused", refusal: upstreamRefusalOf(reply, verdict), verdict };
}

function upstreamRefusalOf(reply: S3Reply, verdict: Verdict): UpstreamRefusal {
  const { status } = reply;
  const { result, s3Code, reason } = verdict;
  const upstream: Upstream = {
    ...(status !== undefined && { status }),
    s3Code,
    reason,
    s3: reply,
  };

  if (result === "object-refused") {
    const isMissing = s3Code === "NoSuchKey" || s3Code === NO_CODE;
    const event = isMissing ? "object-missing" : "object-denied";
    return { event, ...upstream, certain: true }; // S3 has spoken about this very object
  }

  if (TIMEOUT_STATUSES.includes(status)) return { event: "timed-out", ...upstream };

  // S3 is busy for a moment, or has an error (A9): a second try may succeed.
  if (status !== undefined && (status === 429 || status >= 500)) {
    const busy = { reason: "the origin fails, or is busy", isTransient: true };
    return { event: "origin-failed", ...upstream, ...busy };
  }

  return { event: "origin-denied", ...upstream };
}

/**
 * Returns whether a refusal proves nothing about the object, so a stored rendition is still shown. This is a closed
 * list: with any other refusal the picture is taken down.
 * @param refusal of the object
 */
export function isOutage(refusal: Refusal): boolean {
  const { event } = refusal;
  const { status, s3Code } = upstreamOf(refusal);

  // No key opens the bucket now. That is about the keys, not about the object.
  if (event === "slots-refused" || event === "role-refused") return true;

  // S3 did not answer, is busy, or has an error.
  if (event === "timed-out" || event === "origin-failed") {
    return status === undefined || isDown(status);
  }

  // S3 refuses every request while a clock is wrong, or redirects them. Any other denial takes the picture down.
  if (event !== "origin-denied") return false;
  return s3Code === SKEWED || (status !== undefined && isDown(status));
}

/** Returns whether a status proves nothing about the object: S3 redirects, fails, or is busy. */
function isDown(status: number): boolean {
  return status >= 500 || status === 429 || isRedirect(status);
}

/** Returns whether S3 says that there is no such object. */
export function isGone(refusal: Refusal): boolean {
  if (refusal.event !== "object-missing") return false;

  // A 404 without S3's code may come from a proxy in front of S3, which knows nothing about the object.
  return refusal.s3Code !== NO_CODE;
}
