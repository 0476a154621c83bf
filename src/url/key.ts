const MOST_BYTES = 1024; // A10
const CONTROL = /\p{Cc}/u;
const SURROGATE = /\p{Cs}/u; // alone: with u, a pair is one character

/**
 * What is wrong with an object key, or undefined if nothing is. A key has 1 to 1,024 bytes of UTF-8
 * (A10), no empty, `.` or `..` segment (A2: they collapse on the way and would escape a prefix), no
 * control character and no backslash.
 */
export function keyFault(key: string): string | undefined {
  // One of UTF-16's units is three bytes at most.
  if (key.length > MOST_BYTES / 3 && new TextEncoder().encode(key).length > MOST_BYTES) {
    return "longer than 1,024 bytes";
  }
  if (SURROGATE.test(key)) return "half a character";
  if (key.includes("\\")) return "a backslash";
  if (CONTROL.test(key)) return "a control character";
  for (const segment of key.split("/")) {
    if (segment === "") return "an empty segment";
    if (segment === "." || segment === "..") return `a segment "${segment}"`;
  }
  return undefined;
}
