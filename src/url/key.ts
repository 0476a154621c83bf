// Checks the key of an object: the Worker reads no other, and the client builds a URL for no other.
// It does not change or normalise a key.

const MAX_BYTES = 1024; // A10
const CONTROL = /\p{Cc}/u;
const SURROGATE = /\p{Cs}/u; // an unpaired one: with the flag u, a pair is one character

/**
 * Returns what is wrong with an object's key, or undefined if it is right. A key has 1 to 1,024 bytes of
 * UTF-8 (A10), no control character, no backslash, and no empty, `.` or `..` segment (A2: URL parsers
 * remove these, so the path could leave the bucket's prefix).
 */
export function keyFault(key: string): string | undefined {
  // A UTF-16 unit has at most three bytes in UTF-8, so a short key needs no encoding.
  if (key.length > MAX_BYTES / 3 && new TextEncoder().encode(key).length > MAX_BYTES) {
    return "longer than 1,024 bytes";
  }
  if (SURROGATE.test(key)) return "an unpaired surrogate";
  if (key.includes("\\")) return "a backslash";
  if (CONTROL.test(key)) return "a control character";
  for (const segment of key.split("/")) {
    if (segment === "") return "an empty segment";
    if (segment === "." || segment === "..") return `a segment "${segment}"`;
  }
  return undefined;
}
