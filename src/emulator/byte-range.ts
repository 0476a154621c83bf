// Parts of a body: the range that a request asks for (RFC 9110, 14), and a body that does not arrive whole.

import { unlessAborted } from "./fetch.ts";

/** From the first byte to the last one. If there is no such byte, the answer is 416. */
export type Range = { readonly first: number; readonly last: number };

/**
 * Reads the header `range`.
 * @param size the length of the whole body, in bytes
 * @returns undefined: the whole, also for several ranges (14.2)
 */
export function readRange(header: string | null, size: number): Range | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const lastByte = size - 1;
  if (first === "") return { first: Math.max(0, size - Number(last)), last: lastByte };
  if (last !== "" && Number(last) < Number(first)) return undefined; // a malformed range is ignored
  return { first: Number(first), last: last === "" ? lastByte : Math.min(lastByte, Number(last)) };
}

/** Returns whether a range holds a byte. */
export function isSatisfiable({ first, last }: Range, size: number): boolean {
  return first <= last && first < size;
}

export function contentRange(range: Range, size: number): string {
  return `bytes ${isSatisfiable(range, size) ? `${range.first}-${range.last}` : "*"}/${size}`;
}

/**
 * Sends the first half, and then an error, or nothing at all.
 * @param signal ends the wait
 */
export function firstHalf(
  bytes: Uint8Array,
  fails: boolean,
  signal?: AbortSignal,
): ReadableStream<Uint8Array> {
  let isSent = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (!isSent) controller.enqueue(bytes.slice(0, bytes.length / 2));
      else if (fails) controller.error(new TypeError("terminated"));
      else await unlessAborted(new Promise<never>(() => {}), signal);
      isSent = true;
    },
  });
}
