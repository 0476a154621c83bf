// The range that a request asks for (RFC 9110, 14).

/** From the first byte to the last one. If there is no such byte, the answer is 416. */
export type Range = { readonly first: number; readonly last: number };

/**
 * Reads the header `range`.
 * @param size that of the whole, in bytes
 * @returns undefined: the whole, also for several ranges (14.2)
 */
export function readRange(header: string | null, size: number): Range | undefined {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (from === "" && to === "") return undefined;
  const end = size - 1;
  if (from === "") return { first: Math.max(0, size - Number(to)), last: end };
  if (to !== "" && Number(to) < Number(from)) return undefined; // malformed: not there
  return { first: Number(from), last: to === "" ? end : Math.min(end, Number(to)) };
}

/** Returns whether a range holds a byte. */
export function isThere({ first, last }: Range, size: number): boolean {
  return first <= last && first < size;
}

/** Writes the header `content-range`. */
export function contentRange(range: Range, size: number): string {
  return `bytes ${isThere(range, size) ? `${range.first}-${range.last}` : "*"}/${size}`;
}
