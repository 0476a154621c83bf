import type { Upstream, UpstreamEvent } from "../base/refusal.ts";
import { wordIn } from "../base/s3-error.ts";

/**
 * What the edge's codes mean, as the contract's table has them; `CODE/STATUS` where the status
 * makes a difference. A code that is not here is an error of the edge's own.
 */
const MEANINGS: Readonly<Record<string, readonly [UpstreamEvent, reason?: string]>> = {
  "9401": ["edge-refused", "an option of the preset is not accepted"],
  "9401/403": ["edge-refused", "add the origin's host to the zone's Sources"], // E5
  "9402": ["origin-failed", "the object did not arrive whole"],
  "9402/413": ["source-unreadable"], // L1
  "9403": ["edge-refused", "a loop: the request came from the image edge"], // E8
  "9404": ["object-missing"],
  "9406": ["edge-refused", "the URL is not accepted: is endpoint https?"], // E6
  "9407": ["origin-failed", "its host has no address: check endpoint"],
  "9408": ["origin-failed"],
  "9408/401": ["origin-denied"], // A7
  "9408/403": ["origin-denied"], // A6, A7
  "9408/404": ["object-missing"],
  "9408/408": ["timed-out"],
  "9412": ["source-unreadable"], // R8
  "9413": ["source-unreadable"], // L1
  "9416": ["source-unreadable"],
  "9419": ["edge-refused", "the URL is not accepted"], // E6
  "9420": ["origin-denied"], // E7: it redirects
  "9421": ["origin-denied"],
  "9422": ["quota-spent"], // L2
  "9423": ["edge-refused"],
  "9504": ["timed-out"],
  "9505": ["origin-failed", "the edge does not reach it"],
  "9509": ["origin-failed", "it has an error"], // A9
  "9510": ["origin-failed", "the edge does not reach it"],
  "9516/422": ["source-unreadable"],
  "9519": ["origin-denied"], // A5: it finds the request bad
  "9520": ["source-unreadable"],
  "9523/422": ["source-unreadable"],
  "9529": ["timed-out"],
};

/** Failures that may be over at once: an error inside, out of reach for a moment, busy. */
const PASSING = new Set(["9505", "9509", "9510", "9518", "9522", "9527", "9528"]);

/** Without a code the answer is the origin's own: transformations are off, or it is a local run. */
function ofOrigin(status: number, code: string | undefined): readonly [UpstreamEvent, string?] {
  if (status === 404 && code !== "NoSuchBucket") return ["object-missing"];
  if ([408, 504, 522, 524].includes(status)) return ["timed-out"];
  if (status < 300) return ["not-transformed", "are transformations on?"];
  if (status === 429 || status >= 500) return ["origin-failed", "it has an error, or is busy"];
  return ["origin-denied"];
}

export type Failure = { event: UpstreamEvent } & Upstream;

/**
 * What an answer means that is no image.
 * @param code the edge's code, as `9408`, if there is one (R1, R3)
 * @param text the beginning of the body, where S3's code may stand
 */
export function refusalOf(status: number, code: string | undefined, text: string): Failure {
  const origin = wordIn(text, "Code");
  const [event, reason] =
    code === undefined
      ? ofOrigin(status, origin)
      : (MEANINGS[`${code}/${status}`] ?? MEANINGS[code] ?? ["edge-failed"]);
  const passing = code === undefined ? status >= 500 : PASSING.has(code);
  return { event, status, reason, edge: code, origin, passing };
}
