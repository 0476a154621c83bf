// What S3's own answer means: whether the object, the slot or the setup is wrong. Pure.

import { wordIn } from "../base/s3-error.ts";
import type { Said } from "../base/said.ts";

/** What S3 says by an error, or by the headers of an object. */
export function readSaid(
  { status, headers }: Pick<Response, "status" | "headers">,
  text: string,
  now: number,
): Said {
  const date = Date.parse(headers.get("date") ?? "");
  return {
    status,
    code: wordIn(text, "Code"),
    region: wordIn(text, "Region") ?? headers.get("x-amz-bucket-region") ?? undefined,
    // A date has no fractions of a second: on average, half a second was cut off.
    ahead: Number.isNaN(date) ? undefined : Math.round((date + 500 - now) / 1000),
  };
}

/**
 * Why a request was denied, with S3's code and what to do. `none`: S3 gives the object to the Worker.
 * `object`: it knows the slot, and denies the object. `setup`: no slot can work. `slot`: it refuses the
 * slot.
 */
export type Verdict = {
  readonly origin?: string | undefined;
  readonly reason?: string | undefined;
  /** Whether it concerns this object alone. */
  readonly objectOnly?: boolean;
} & (
  | { readonly fault: "none" | "object" | "setup" | "unknown" }
  | { readonly fault: "slot"; readonly origin: string }
);

/** S3 does not say which of the two it is (A6). */
const DENIED = "missing, or not allowed by the key's policy";

/** What S3's codes mean (A5, A6, A7, A9). */
const FAULTS = new Map<string, readonly ["object" | "slot" | "unknown", reason?: string]>([
  ["AccessDenied", ["object", DENIED]],
  ["InvalidObjectState", ["object", "in an archive: restore it"]],
  ["NoSuchKey", ["object"]],
  ["NoSuchBucket", ["unknown", "check bucket"]],
  ["AuthorizationHeaderMalformed", ["slot"]],
  ["ExpiredToken", ["slot"]],
  ["InvalidAccessKeyId", ["slot"]],
  ["InvalidArgument", ["slot"]], // R2, if the key id cannot be one
  ["InvalidSecurity", ["slot"]],
  ["InvalidToken", ["slot"]],
  ["SignatureDoesNotMatch", ["slot"]],
]);

/** @param configured the region that the Worker asked in */
export function verdictOf(said: Said, configured: string): Verdict {
  const { status, code: origin, region = configured, ahead } = said;
  if (status === undefined) return { fault: "unknown", reason: "S3 itself does not answer" };
  // 416: the object is empty, so it has no first byte.
  if ([200, 206, 416].includes(status)) return { fault: "none" };
  if (origin === "RequestTimeTooSkewed") {
    const apart = ahead === undefined ? "over 15 minutes from" : `${ahead} s ahead of`;
    const reason = `S3's clock is ${apart} the Worker's`;
    return { fault: "setup", origin, reason };
  }
  if (status === 401) return { fault: "slot", origin: origin ?? "401" };
  const [fault, reason] = FAULTS.get(origin ?? "") ?? [];
  if (region !== configured && (!fault || origin === "AuthorizationHeaderMalformed")) {
    const wrong = `the bucket is in ${region}: set region (and endpoint)`;
    return { fault: "setup", origin, reason: wrong };
  }
  if (fault) return { fault, origin: origin ?? "", reason };
  if (status === 404) return { fault: "object", origin: origin ?? "404" };
  if (status >= 300 && status < 400) {
    const reason = "S3 redirects: check endpoint and region";
    return { fault: "setup", origin, reason, objectOnly: true };
  }
  // Any other 400 concerns this object alone, for example because its KMS key is disabled.
  return {
    fault: "unknown",
    origin,
    reason: `S3 itself answers ${status}: look up its code`,
    objectOnly: status === 400,
  };
}

/** Returns whether S3 knew the slot. */
export function knowsSlot({ fault }: Verdict): boolean {
  return fault === "none" || fault === "object";
}

/**
 * What a verdict about one object means for another object that was denied just after.
 * @param status of that denial: 401 or 403 if the object is missing (A6, A7)
 */
export function forOthers(verdict: Verdict, status: number | undefined): Verdict {
  if (!knowsSlot(verdict) && !verdict.objectOnly) return verdict;
  if (status === 401 || status === 403) return { fault: "object", reason: DENIED };
  return { fault: "unknown", reason: "a bad request, or a redirect" };
}
