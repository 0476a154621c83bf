// What S3's own answer means: whether S3 refuses the object, the slot (one of the two key pairs of a bucket) or the
// whole setup. Pure. Codes such as (A5) are rules of docs/rules.md.
//
// Two mistakes would be seen by visitors. If a missing object counted as an outage, its old picture would be shown for
// ever. If an outage counted as a missing object, the picture would be taken down although its object is there.

import { detailsOf, type Refusal, type UpstreamRefusal } from "../http/refusal.ts";
import type { S3Reply } from "../http/s3-reply.ts";

/** What S3's answer to one request means. */
export type Verdict =
  /** S3 does not accept the key of this slot. Another slot may have a good one. */
  | {
      readonly result: "slot-refused";
      /** S3's error code, or `401` if such an answer has none. */
      readonly s3Code: string;
      readonly reason?: undefined; // never there. With this line, `verdict.reason` can be read of both kinds
    }
  | {
      readonly result: Result;
      /** S3's error code, or `404` if such an answer has none. */
      readonly s3Code?: string | undefined;
      /** What is wrong, or what to do, in plain words. */
      readonly reason?: string | undefined;
    };

type Result =
  /** S3 gives the object. */
  | "served"
  /** S3 accepts the key, and denies it this object, or has no such object. */
  | "object-refused"
  /** The bucket's settings or a clock are wrong: no slot can work. */
  | "misconfigured"
  /** Nothing is known about the slot or the object: S3 does not answer, is busy, fails, or has a code of its own. */
  | "unknown";

/** S3's code where the clocks are more than 15 minutes apart (A7). */
const SKEWED = "RequestTimeTooSkewed";

/** S3's code where the region of the signature is wrong (A5), or where the signature has no right form. */
const MALFORMED = "AuthorizationHeaderMalformed";

/** S3's codes for a key that it does not accept (A7). MALFORMED is not here: its meaning depends on the region. */
const SLOT_CODES = [
  "ExpiredToken",
  "InvalidAccessKeyId",
  "InvalidArgument", // R2, if the key id cannot be one
  "InvalidSecurity",
  "InvalidToken",
  "SignatureDoesNotMatch",
];

/** What S3's codes mean, whatever region S3 names (A6, A7, A9). */
const VERDICTS: readonly Verdict[] = [
  {
    result: "object-refused",
    s3Code: "AccessDenied",
    reason: "missing, or not allowed by the key's policy",
  },
  { result: "object-refused", s3Code: "InvalidObjectState", reason: "in an archive: restore it" },
  { result: "object-refused", s3Code: "NoSuchKey" },
  // "unknown", and not "misconfigured": so the next slot is tried, too.
  { result: "unknown", s3Code: "NoSuchBucket", reason: "check bucket" },
  ...SLOT_CODES.map((s3Code) => ({ result: "slot-refused", s3Code }) as const),
];

/** What stands for S3's code if a 404 has none. */
const NO_CODE = "404";

/**
 * Returns what a reply means. The first paragraph that fits decides.
 * @param configuredRegion the region with which the request was signed
 */
export function verdictOf(reply: S3Reply, configuredRegion: string): Verdict {
  const { status, code: s3Code, region, ahead } = reply;
  if (status === undefined) return { result: "unknown", reason: "S3 itself does not answer" };

  // The Worker asks for the first bytes. 416 means that there are none: the object is empty.
  if ([200, 206, 416].includes(status)) return { result: "served" };

  if (s3Code === SKEWED) {
    const distance = ahead === undefined ? "over 15 minutes from" : `${ahead} s ahead of`;
    return misconfigured(s3Code, `S3's clock is ${distance} the Worker's`);
  }

  // R2 answers 401 where it does not know the key (A7).
  if (status === 401) return { result: "slot-refused", s3Code: s3Code ?? "401" };

  const verdict = VERDICTS.find((candidate) => candidate.s3Code === s3Code);
  if (verdict) return verdict;

  // S3 may name the bucket's region in any reply. With a code of VERDICTS, the region does not matter.
  if (region !== undefined && region !== configuredRegion) {
    return misconfigured(s3Code, `the bucket is in ${region}: set region (and endpoint)`);
  }
  // The region is right, so the signature has no right form.
  if (s3Code === MALFORMED) return { result: "slot-refused", s3Code };

  // A 404 without a code counts as missing, as with NoSuchKey. With any other code, it counts as denied (`refusalOf`).
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

/** Returns whether S3 is busy for a moment, or has an error (A9). */
function isBusy(status: number): boolean {
  return status === 429 || status >= 500;
}

/** The statuses with which a host in front of S3 says that it got no answer in time. */
export const TIMEOUT_STATUSES: readonly number[] = [408, 504, 522, 524];

/**
 * Why a request gets no image, where S3 does not give the object to one credential.
 * @param status that of `reply`, whose type also allows none
 * @param verdict what the reply means
 */
export function refusalOf(status: number, reply: S3Reply, verdict: Verdict): UpstreamRefusal {
  const { result, s3Code, reason } = verdict;
  const upstream = { status, s3Code, reason, s3: reply };

  if (result === "object-refused") {
    // NoSuchKey, or a 404 without a code. With AccessDenied, for example, the object is denied.
    const isMissing = s3Code === "NoSuchKey" || s3Code === NO_CODE;
    const event = isMissing ? "object-missing" : "object-denied";

    // The answer is about this very object, so caches may keep the refusal for a minute. It may still be a proxy's, so
    // before anything is deleted, `isGone` asks for more.
    return { event, ...upstream, certain: true };
  }

  if (TIMEOUT_STATUSES.includes(status)) return { event: "timed-out", ...upstream };

  if (isBusy(status)) {
    const busyReason = "the origin fails, or is busy"; // in place of the verdict's reason
    return { event: "origin-failed", ...upstream, reason: busyReason, isTransient: true };
  }

  return { event: "origin-denied", ...upstream };
}

/**
 * Returns whether a refusal proves nothing about the object, so a stored rendition is still shown. This is a closed
 * list: with any other refusal the picture is taken down.
 * @param refusal of the object, by S3 or R2
 */
export function isOutage(refusal: Refusal): boolean {
  const { status, s3Code } = detailsOf(refusal);

  switch (refusal.event) {
    // No key opens the bucket now. That is about the keys, not about the object.
    case "slots-refused":
    case "role-refused":
      return true;

    // An outage: S3 did not answer, or broke off (no status), is busy (429), or has an error (500 and above). No
    // outage: S3 works, but sends a wrong part of the object (206), or says that the request came too slowly (408).
    case "timed-out":
    case "origin-failed":
      return status === undefined || isBusy(status);

    // S3 refuses every request while a clock is wrong, or redirects them all. A wrong region that S3 reports without a
    // redirect, by a 400, is not in the list.
    case "origin-denied":
      return s3Code === SKEWED || (status !== undefined && isRedirect(status));

    default:
      return false;
  }
}

/** Returns whether S3 says that there is no such object. */
export function isGone(refusal: Refusal): boolean {
  if (refusal.event !== "object-missing") return false;

  // A 404 without S3's code may come from a proxy in front of S3, which knows nothing about the object.
  return refusal.s3Code !== NO_CODE;
}
