// The answer with an image, and what may be wrong with it: for tests of a Worker that must notice.

import { halfOf } from "../body.ts";
import type { Encoded } from "../edge/encode.ts";
import type { Original } from "../edge/read-original.ts";
import type { Switches } from "../edge/switches.ts";

/** A PNG of one pixel, for an answer whose type is not that of its bytes. */
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** A GIF of one pixel, for an answer that should be a PNG. */
const OTHER = Buffer.from("R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==", "base64");

/** Answers with an image, unless something goes wrong on purpose. */
export function breaking(
  { type, bytes }: Encoded,
  original: Original,
  asked: string,
  fault: Switches["bindingFault"],
): Response {
  const sent = (body: Uint8Array, said = type) =>
    new Response(body.slice(), { headers: { "content-type": said } });
  switch (fault) {
    case "lies":
      return sent(asked === "image/png" ? OTHER : PIXEL, asked);
    case "original":
      return sent(original.bytes, asked);
    case "breaks-off":
    case "stalls-midway": {
      const headers = { "content-type": type };
      return new Response(halfOf(bytes, fault === "breaks-off"), { headers });
    }
    default:
      return sent(bytes);
  }
}
