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
  /** S3 denies this object, and does not say whether it accepts the key. */
  | "object-denied"
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

/**
 * The codes with which servers refuse a key that none of their objects can have (A10). AWS: over 1,024 bytes. MinIO: over
 * 255 bytes between two slashes, or with characters that its disk does not take. Others have names of their own for that.
 */
const IMPOSSIBLE_KEY_CODES = [
  "InvalidObjectName",
  "KeyTooLong",
  "KeyTooLongError",
  "XMinioInvalidObjectName",
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
  ...IMPOSSIBLE_KEY_CODES.map((s3Code) => {
    return { result: "object-refused", s3Code, reason: "no object can have this key" } as const;
  }),
];

/** What stands for S3's code if a 404 has none. */
const NO_CODE = "404";

/**
 * The codes of KMS, which holds the keys of encrypted objects: the object's key is disabled or deleted, for example. S3
 * has accepted the slot before it asks KMS.
 */
const KMS_CODE = /^KMS\./;

/** The codes of a KMS that is busy, or fails for a moment. They may come with a 400. */
const BUSY_KMS_CODE = /^KMS\..*(?:Throttl|RateExceeded|Internal|Timeout|Unavailable)/;

/** The statuses that deny an object, whatever the code: 405 for the marker of a deletion, 451 for a court's order. */
const DENYING_STATUSES: readonly number[] = [403, 405, 410, 451];

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

  if (s3Code !== undefined && KMS_CODE.test(s3Code)) {
    if (BUSY_KMS_CODE.test(s3Code)) return { result: "unknown", s3Code };
    const reason = "KMS does not decrypt it: look at the key of the object there";
    return { result: "object-refused", s3Code, reason };
  }

  // R2 answers 401 where it does not know the key (A7).
  if (status === 401) return { result: "slot-refused", s3Code: s3Code ?? "401" };

  const verdict = VERDICTS.find((candidate) => candidate.s3Code === s3Code);
  if (verdict) return verdict;

  // With MALFORMED, it is about the region or the slot.
  const isDenied = DENYING_STATUSES.includes(status) && s3Code !== MALFORMED;
  if (isDenied) {
    return { result: "object-denied", s3Code, reason: `S3 itself answers ${status}` };
  }

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
function isBusy(status: number, s3Code: string | undefined): boolean {
  if (status === 429 || status >= 500) return true;
  return s3Code !== undefined && BUSY_KMS_CODE.test(s3Code);
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

  // The answer is about this very object, so caches may keep the refusal for a minute. It may still be a proxy's, so
  // before anything is deleted, `isGone` asks for more.
  if (result === "object-refused") {
    const event = isMissingCode(s3Code) ? "object-missing" : "object-denied";
    return { event, ...upstream, certain: true };
  }

  // Without a code, a proxy in front of S3 may deny it: then that may soon be over.
  if (result === "object-denied") {
    return { event: "object-denied", ...upstream, certain: s3Code !== undefined };
  }

  if (TIMEOUT_STATUSES.includes(status)) return { event: "timed-out", ...upstream };

  if (isBusy(status, s3Code)) {
    const busyReason = "the origin fails, or is busy"; // in place of the verdict's reason
    return { event: "origin-failed", ...upstream, reason: busyReason, isTransient: true };
  }

  const isSetupFault = result === "misconfigured";
  return { event: "origin-denied", ...upstream, ...(isSetupFault && { isSetupFault }) };
}

/** Returns whether a code, or its absence in a 404, says that there is no such object. With others, it is denied. */
function isMissingCode(s3Code: string | undefined): boolean {
  if (s3Code === undefined) return false;
  return ["NoSuchKey", NO_CODE, ...IMPOSSIBLE_KEY_CODES].includes(s3Code);
}

/** Returns whether another key of the bucket may get another answer: its policy may allow more (A6). */
export function mayDependOnKey(
  refusal: UpstreamRefusal,
  { result, s3Code = "" }: Verdict,
): boolean {
  switch (refusal.event) {
    case "object-denied":
      if (result === "object-denied") return refusal.status === 403;
      return s3Code === "AccessDenied" || KMS_CODE.test(s3Code);

    // S3 answers, is not busy, and says something that has no meaning here.
    case "origin-denied":
      return result === "unknown";

    // The object is missing, or S3 does not answer, is busy, redirects, or finds the clock wrong.
    default:
      return false;
  }
}

/**
 * Returns whether S3 may say with this answer that a key cannot be an object's, although it is in the list of the codes
 * for a slot: `InvalidArgument`, and any 401.
 */
export function mayBeAboutObject({ status, s3Code }: UpstreamRefusal): boolean {
  return status === 401 || s3Code === "InvalidArgument";
}

/**
 * Returns whether a refusal of S3 or R2 proves nothing about the object. Then an older picture is shown, out of the store
 * or Workers Cache. Everything else is S3's word about the object: it ends an older picture in both, at once. This is the
 * one list for both, and it is closed. An outage is:
 *
 * - no answer, or one that breaks off; or a host in front of S3 says that none came (408, 504 …);
 * - 429, any status of 500 and above, and a KMS that is busy (A9);
 * - a redirect, or another answer which says that the bucket is in another region (A5);
 * - RequestTimeTooSkewed: a clock is wrong (A7);
 * - a slot's code of each slot (A7), or no session from STS.
 *
 * So S3's word is, above all: missing, AccessDenied, an archive, any other 403, 405, 410, 451, a key that KMS refuses.
 * NoSuchBucket and a 4xx without a meaning here are S3's word, too, and so is a wrong part of the object.
 * @param refusal of the object, by S3 or R2
 */
export function isOutage(refusal: Refusal): boolean {
  const { status, s3Code = "", isSetupFault = false } = detailsOf(refusal);

  switch (refusal.event) {
    case "slots-refused":
    case "role-refused":
    case "timed-out":
      return true;

    // With a status below 300, S3 works, and sends a wrong part of the object.
    case "origin-failed":
      return status === undefined || isBusy(status, s3Code);

    // A slot's code stands here if it was about one odd object, or about one slot of two.
    case "origin-denied":
      return isSetupFault || status === 401 || SLOT_CODES.includes(s3Code);

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
