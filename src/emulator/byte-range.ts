// Parts of a body: the range that a request asks for (RFC 9110, 14), and a body that does not arrive whole.

import { unlessAborted } from "./fetch.ts";

/** From the first byte to the last one. If there is no such byte, the answer is 416. */
export type Range = { readonly first: number; readonly last: number };

/** The header `range`, with one range: `bytes=0-99`, `bytes=100-`, or the last bytes, `bytes=-100`. */
const RANGE = /^bytes=(?<first>\d*)-(?<last>\d*)$/;

/**
 * Reads the header `range`.
 * @param size the length of the whole body, in bytes
 * @returns undefined: the whole, also for several ranges (14.2)
 */
export function readRange(header: string | null, size: number): Range | undefined {
  const groups = RANGE.exec(header ?? "")?.groups;
  const { first = "", last = "" } = groups ?? {};
  if (first === "" && last === "") return undefined;

  const lastByte = size - 1;
  if (first === "") return { first: Math.max(0, size - Number(last)), last: lastByte };
  if (last === "") return { first: Number(first), last: lastByte };

  if (Number(last) < Number(first)) return undefined; // a malformed range is ignored
  return { first: Number(first), last: Math.min(lastByte, Number(last)) };
}

/** Returns whether a range holds a byte. */
export function isSatisfiable({ first, last }: Range, size: number): boolean {
  return first <= last && first < size;
}

/** The header `content-range`. */
export function contentRange(range: Range, size: number): string {
  if (!isSatisfiable(range, size)) return `bytes */${size}`;
  return `bytes ${range.first}-${range.last}/${size}`;
}

/**
 * Sends the first half of a body.
 * @param afterwards then the body breaks off with an error, or nothing more comes
 * @param signal ends the wait
 */
export function firstHalf(
  bytes: Uint8Array,
  afterwards: "error" | "silence",
  signal?: AbortSignal,
): ReadableStream<Uint8Array> {
  let isSent = false;

  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (!isSent) {
        isSent = true;
        controller.enqueue(bytes.slice(0, bytes.length / 2));
        return;
      }

      if (afterwards === "error") controller.error(new TypeError("terminated"));
      else await unlessAborted(new Promise<never>(() => {}), signal);
    },
  });
}
