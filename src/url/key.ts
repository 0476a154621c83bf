// Checks the key of an object. The Worker reads no object whose key fails the check, and the client builds no URL for
// one: a key such as `../secret.jpg` could leave the bucket's prefix.
// It never changes a key: two spellings are two objects.

/** The length of the longest key in S3, as UTF-8 (A10). */
export const MAX_KEY_BYTES = 1024;

/** A line feed, a zero byte, an escape … */
const CONTROL = /\p{Cc}/u;

/** Half of a surrogate pair, which UTF-8 cannot have. With the flag `u`, a whole pair counts as another character. */
const SURROGATE = /\p{Cs}/u;

/**
 * Returns what is wrong with an object's key, or undefined if it is right: `photos/fig.jpg`.
 * @returns a text for the middle of a message, such as `a backslash`
 */
export function keyFault(key: string): string | undefined {
  // Each unit of `length` has at most three bytes in UTF-8, so a short key need not be encoded.
  const mayBeTooLong = key.length * 3 > MAX_KEY_BYTES;
  if (mayBeTooLong && new TextEncoder().encode(key).length > MAX_KEY_BYTES) {
    return "longer than 1,024 bytes";
  }

  if (SURROGATE.test(key)) return "an unpaired surrogate";
  if (key.includes("\\")) return "a backslash";
  if (CONTROL.test(key)) return "a control character";

  // URL parsers remove `.` and `..` segments, so the path would name another object (A2).
  for (const segment of key.split("/")) {
    if (segment === "") return "an empty segment";
    if (segment === "." || segment === "..") return `a segment "${segment}"`;
  }

  return undefined;
}
