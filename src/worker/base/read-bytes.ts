// Reads a body whole, within bounds of length and time.

import { joined } from "./joined.ts";
import { type LATE, within } from "./time-limit.ts";

/**
 * @param deadline ms since 1970
 * @throws if the body breaks off
 */
export async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  deadline: number,
): Promise<Uint8Array<ArrayBuffer> | "too-long" | typeof LATE> {
  if (!body) return new Uint8Array();
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const readOn = async (): Promise<"done" | "too-long"> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "done";
      length += value.byteLength;
      if (length > maxBytes) return "too-long";
      chunks.push(value);
    }
  };
  const end = await within(Math.max(0, deadline - Date.now()), readOn());
  if (end === "done") return joined(chunks);
  reader.cancel().catch(() => {});
  return end;
}
