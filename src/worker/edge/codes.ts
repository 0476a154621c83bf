// What the error codes of the image edge mean, in the words of this Worker. An operator finds here the event and the
// reason that the log has for a code, such as 9408. The Images binding throws the same codes. Pure.

import type { UpstreamEvent, UpstreamRefusal } from "../http/refusal.ts";
import { xmlElement } from "../http/s3-reply.ts";
import { TIMEOUT_STATUSES } from "../origin/verdict.ts";

/** What an answer means that is not an image. */
type Meaning = {
  readonly event: UpstreamEvent;
  /** More than the event, for the log. */
  readonly reason?: string;
  /** The failure may be over at once: the edge is busy, or S3 is out of reach for a moment. */
  readonly isTransient?: boolean;
};

/** By code, or by `CODE/STATUS` where the status matters. Where the reason is missing, the event says it all. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  "9401": { event: "edge-refused", reason: "the edge rejects an option" },
  // The edge fetches only from the origins that the zone lists under Sources (E5).
  "9401/403": {
    event: "edge-refused",
    reason: "the zone's Sources do not have the origin, domain and path",
  },
  "9402": { event: "origin-failed", reason: "the object arrived incomplete" },
  // The original has too many bytes (L1).
  "9402/413": { event: "source-unreadable" },
  // The request has come through the edge already (E8).
  "9403": { event: "edge-refused", reason: "a loop: endpoint leads here" },
  "9404": { event: "object-missing" },
  // The URL must be https (E6).
  "9406": { event: "edge-refused", reason: "the edge rejects the URL: is endpoint https?" },
  "9407": { event: "origin-failed", reason: "the origin's host has no address" },
  // S3's own answer is lost, but for its status (R3).
  "9408": { event: "origin-failed" },
  // S3 refuses the credentials (A7).
  "9408/401": { event: "origin-denied" },
  // S3 refuses the credentials (A7), or denies an object that may be missing (A6).
  "9408/403": { event: "origin-denied" },
  "9408/404": { event: "object-missing" },
  "9408/408": { event: "timed-out" },
  // The original is no image, or an SVG, of which the edge makes no other format (R8).
  "9412": { event: "source-unreadable" },
  // The picture has too many pixels (L1).
  "9413": { event: "source-unreadable" },
  // The picture cannot be decoded.
  "9416": { event: "source-unreadable" },
  // The URL has spaces or raw Unicode (E6).
  "9419": { event: "edge-refused", reason: "the edge rejects the URL" },
  // S3 redirects to another host, where the signature does not match (E7).
  "9420": { event: "origin-denied" },
  // S3 redirects too often (E7).
  "9421": { event: "origin-denied" },
  // The free transformations of this month are spent (L2).
  "9422": { event: "quota-spent" },
  "9423": { event: "edge-refused" },
  "9430": { event: "edge-refused", reason: "no access: is Images on for the account?" },
  "9432": { event: "edge-refused", reason: "the Images binding rejects the request" },
  "9504": { event: "timed-out" },
  "9505": {
    event: "origin-failed",
    reason: "the edge cannot reach the origin",
    isTransient: true,
  },
  // S3 answers 5xx, as it does when it is busy (A9).
  "9509": { event: "origin-failed", reason: "the origin fails, or is busy", isTransient: true },
  "9510": {
    event: "origin-failed",
    reason: "the edge cannot reach the origin",
    isTransient: true,
  },
  // The picture cannot be processed. With 500, it is an error inside the edge. So it is for 9523.
  "9516/422": { event: "source-unreadable" },
  "9518": { event: "edge-failed", isTransient: true },
  // S3 answers 400, as it does for the signature of another region (A5).
  "9519": { event: "origin-denied" },
  // The format of the original is not supported.
  "9520": { event: "source-unreadable" },
  "9522": { event: "edge-failed", isTransient: true },
  "9523/422": { event: "source-unreadable" },
  "9527": { event: "edge-failed", isTransient: true },
  "9528": { event: "edge-failed", isTransient: true },
  "9529": { event: "timed-out" },
};

/** Any other code is an error inside the edge. */
const OTHER_CODE: Meaning = { event: "edge-failed" };

/** Returns what a code of the edge or of the Images binding means. @param status undefined: the binding gives none */
export function meaningOf(edgeCode: string, status: number | undefined): Meaning {
  const withStatus = MEANINGS[`${edgeCode}/${status}`];
  if (withStatus) return withStatus;
  return MEANINGS[edgeCode] ?? OTHER_CODE;
}

/**
 * Returns what an answer without a code means. The origin itself gave it: transformations are off for the zone, or
 * this is a local run.
 */
function meaningOfOrigin(status: number, s3Code: string | undefined): Meaning {
  if (status === 404 && s3Code !== "NoSuchBucket") return { event: "object-missing" };
  if (TIMEOUT_STATUSES.includes(status)) return { event: "timed-out" };
  if (status < 300) return { event: "not-transformed", reason: "are transformations on?" };

  const busy = { event: "origin-failed", reason: "the origin fails, or is busy" } as const;
  if (status === 429) return busy;
  if (status >= 500) return { ...busy, isTransient: true };
  return { event: "origin-denied" };
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
