// What the error codes of the image edge mean. Pure.

import type { UpstreamEvent, UpstreamRefusal } from "../http/refusal.ts";
import { xmlElement } from "../http/s3-reply.ts";
import { TIMEOUT_STATUSES } from "../origin/verdict.ts";

/** By code, or by `CODE/STATUS` if the status matters. Any other code is an error inside the edge. */
const MEANINGS: Readonly<Record<string, readonly [UpstreamEvent, reason?: string]>> = {
  "9401": ["edge-refused", "the edge rejects an option"],
  "9401/403": ["edge-refused", "the zone's Sources do not have the origin, domain and path"], // E5
  "9402": ["origin-failed", "the object arrived incomplete"],
  "9402/413": ["source-unreadable"], // L1
  "9403": ["edge-refused", "a loop: endpoint leads here"], // E8
  "9404": ["object-missing"],
  "9406": ["edge-refused", "the edge rejects the URL: is endpoint https?"], // E6
  "9407": ["origin-failed", "the origin's host has no address"],
  "9408": ["origin-failed"],
  "9408/401": ["origin-denied"], // A7
  "9408/403": ["origin-denied"], // A6, A7
  "9408/404": ["object-missing"],
  "9408/408": ["timed-out"],
  "9412": ["source-unreadable"], // R8
  "9413": ["source-unreadable"], // L1
  "9416": ["source-unreadable"],
  "9419": ["edge-refused", "the edge rejects the URL"], // E6
  "9420": ["origin-denied"], // E7: S3 redirects
  "9421": ["origin-denied"],
  "9422": ["quota-spent"], // L2
  "9423": ["edge-refused"],
  "9430": ["edge-refused", "no access: is Images on for the account?"],
  "9432": ["edge-refused", "the Images binding rejects the request"],
  "9504": ["timed-out"],
  "9505": ["origin-failed", "the edge cannot reach the origin"],
  "9509": ["origin-failed", "the origin fails, or is busy"], // A9
  "9510": ["origin-failed", "the edge cannot reach the origin"],
  "9516/422": ["source-unreadable"],
  "9519": ["origin-denied"], // A5: S3 answers 400
  "9520": ["source-unreadable"],
  "9523/422": ["source-unreadable"],
  "9529": ["timed-out"],
};

/** Failures that may be over at once: the edge is busy, or S3 is out of reach for a moment. */
const TRANSIENT = new Set(["9505", "9509", "9510", "9518", "9522", "9527", "9528"]);

/** Without a code, the origin itself answered: transformations are off, or it is a local run. */
function originEvent(status: number, code: string | undefined): readonly [UpstreamEvent, string?] {
  if (status === 404 && code !== "NoSuchBucket") return ["object-missing"];
  if (TIMEOUT_STATUSES.includes(status)) return ["timed-out"];
  if (status < 300) return ["not-transformed", "are transformations on?"];
  if (status === 429 || status >= 500) return ["origin-failed", "the origin fails, or is busy"];
  return ["origin-denied"];
}

/**
 * What an answer means that is not an image.
 * @param code the edge's code, such as `9408`, if there is one (R1, R3)
 * @param text the beginning of the body, which may have S3's code
 */
export function failureFor(
  status: number,
  code: string | undefined,
  text: string,
): UpstreamRefusal {
  const s3Code = xmlElement(text, "Code");
  const [event, reason] = code
    ? (MEANINGS[`${code}/${status}`] ?? MEANINGS[code] ?? ["edge-failed"])
    : originEvent(status, s3Code);
  const isTransient = code ? TRANSIENT.has(code) : event === "origin-failed" && status >= 500;
  return { event, status, reason, edgeCode: code, s3Code, isTransient };
}
