// What the error codes of the image edge mean, in the words of this Worker. An operator finds here the event and the
// reason that the log has for a code, such as 9408. The Images binding throws the same codes. Pure.
//
// "Certainly no image" takes a good picture out of all caches. So only codes that are about the object itself mean that,
// and none that a failed download may have, too.
//
// (A5), (E6) and the like are rules of docs/rules.md.

import type { UpstreamEvent, UpstreamRefusal } from "../http/refusal.ts";
import { xmlElement } from "../http/s3-reply.ts";
import { TIMEOUT_STATUSES } from "../origin/verdict.ts";

/** What an answer means that is not an image. */
type Meaning = {
  readonly event: UpstreamEvent;
  /** More than the event, for the log. Where it is missing, the event says it all. */
  readonly reason?: string;
  /** The failure may be over at once: the edge is busy, or S3 is out of reach for a moment. */
  readonly isTransient?: boolean;
};

// What several codes mean.
const OBJECT_MISSING: Meaning = { event: "object-missing" };
const ORIGIN_DENIED: Meaning = { event: "origin-denied" };
const ORIGIN_UNREACHABLE: Meaning = {
  event: "origin-failed",
  reason: "the edge cannot reach the origin",
  isTransient: true,
};
const ORIGIN_BUSY: Meaning = {
  event: "origin-failed",
  reason: "the origin fails, or is busy",
  isTransient: true,
};
const INCOMPLETE: Meaning = { event: "origin-failed", reason: "the object arrived incomplete" };
const SOURCE_UNREADABLE: Meaning = { event: "source-unreadable" };
const QUOTA_SPENT: Meaning = { event: "quota-spent" };
const EDGE_REFUSED: Meaning = { event: "edge-refused" };
const EDGE_FAILED: Meaning = { event: "edge-failed", isTransient: true };
// The object is damaged, or it did not arrive whole: the codes do not say which.
const UNPROCESSED: Meaning = {
  ...EDGE_FAILED,
  reason: "the object could not be read or processed: is it damaged?",
};
const NO_ANSWER_IN_TIME: Meaning = { event: "timed-out" };

/**
 * By code, or by `CODE/STATUS` where the status matters. `meaningOf` has a meaning for each other code. A code without a
 * comment means what its event, or the name of its meaning, says.
 */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  "9401": { event: "edge-refused", reason: "the edge rejects an option" },
  // The edge fetches only from the origins that the zone lists under Sources (E5).
  "9401/403": {
    event: "edge-refused",
    reason: "the zone's Sources do not have the origin, domain and path",
  },
  "9402": INCOMPLETE,
  // The original has too many bytes (L1).
  "9402/413": SOURCE_UNREADABLE,
  // The request has come through the edge already (E8).
  "9403": {
    event: "loop-detected",
    reason: "endpoint or an overlay leads here, or the edge itself asks for this picture",
  },
  "9404": OBJECT_MISSING,
  // The URL must be https (E6).
  "9406": { event: "edge-refused", reason: "the edge rejects the URL: is endpoint https?" },
  "9407": { event: "origin-failed", reason: "the origin's host has no address" },
  // S3's own answer is lost, except for its status (R3).
  "9408": { event: "origin-failed" },
  // S3 refuses the credentials (A7).
  "9408/401": ORIGIN_DENIED,
  // S3 refuses the credentials (A7), or denies an object that may be missing (A6).
  "9408/403": ORIGIN_DENIED,
  "9408/404": OBJECT_MISSING,
  "9408/408": NO_ANSWER_IN_TIME,
  // The original is no image, or an SVG, of which the edge makes no other format (R8).
  "9412": SOURCE_UNREADABLE,
  // The picture has too many pixels (L1).
  "9413": SOURCE_UNREADABLE,
  // The object may be right: its download failed.
  "9416": { ...INCOMPLETE, isTransient: true },
  // The URL has spaces or raw Unicode (E6).
  "9419": { event: "edge-refused", reason: "the edge rejects the URL" },
  // S3 redirects to another host, where the signature does not match (E7).
  "9420": ORIGIN_DENIED,
  // The format of the original is not supported, as that of a JPEG XL (L1).
  "9420/415": SOURCE_UNREADABLE,
  // S3 redirects too often (E7), as it may for a wrong endpoint or region.
  "9421": ORIGIN_DENIED,
  // The free transformations of this month are spent (L2).
  "9422": QUOTA_SPENT,
  // In one version of Cloudflare's documentation, this is the code of a spent quota.
  "9423": QUOTA_SPENT,
  "9430": { event: "edge-refused", reason: "no access: is Images on for the account?" },
  "9504": NO_ANSWER_IN_TIME,
  "9505": ORIGIN_UNREACHABLE,
  // S3 answers 5xx, as it does when it is busy (A9).
  "9509": ORIGIN_BUSY,
  "9510": ORIGIN_UNREACHABLE,
  "9516": UNPROCESSED,
  // S3 answers 400, as it does for the signature of another region (A5).
  "9519": ORIGIN_DENIED,
  // The format of the original is not supported, as that of a TIFF (L1).
  "9520": SOURCE_UNREADABLE,
  "9523": UNPROCESSED,
  "9529": NO_ANSWER_IN_TIME,
};

/** Returns what a code of the edge or of the Images binding means. @param status undefined: the binding gives none */
export function meaningOf(edgeCode: string, status: number | undefined): Meaning {
  const withStatus = MEANINGS[`${edgeCode}/${status}`];
  if (withStatus) return withStatus;

  const withoutStatus = MEANINGS[edgeCode];
  if (withoutStatus) return withoutStatus;

  // 94xx: the edge refuses the request, and would refuse it again. 95xx: the edge is busy, or has an error of its own.
  return edgeCode.startsWith("94") ? EDGE_REFUSED : EDGE_FAILED;
}

/**
 * Returns what an answer means that is not an image.
 * @param edgeCode the edge's code, such as `9408`, if there is one (R1, R3)
 * @param text the beginning of the body, which may have S3's code
 */
export function failureFor(
  status: number,
  edgeCode: string | undefined,
  text: string,
): UpstreamRefusal {
  const s3Code = xmlElement(text, "Code");
  const meaning = edgeCode ? meaningOf(edgeCode, status) : meaningOfOrigin(status, s3Code);

  const { event, reason, isTransient = false } = meaning;
  return { event, status, reason, edgeCode, s3Code, isTransient };
}

/**
 * Returns what an answer without a code means. The origin itself gave it: transformations are off for the zone, or
 * this is a local run.
 */
function meaningOfOrigin(status: number, s3Code: string | undefined): Meaning {
  // Where the whole bucket is missing, the configuration is wrong, and not the key of the object.
  if (status === 404) return s3Code === "NoSuchBucket" ? ORIGIN_DENIED : OBJECT_MISSING;

  if (TIMEOUT_STATUSES.includes(status)) return NO_ANSWER_IN_TIME;
  if (status < 300) return { event: "not-transformed", reason: "are transformations on?" };

  // 429 asks for fewer requests, so no second one follows at once.
  if (status === 429) return { ...ORIGIN_BUSY, isTransient: false };
  if (status >= 500) return ORIGIN_BUSY;
  return ORIGIN_DENIED;
}
