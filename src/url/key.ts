// Checks the key of an object: the Worker reads no other, and the client builds a URL for no other. A key such as
// `../secret.jpg` could leave the bucket's prefix.
// It does not change or normalise a key: two spellings are two objects.

/** S3 has no longer keys (A10). */
const MAX_BYTES = 1024;

/** A line feed, a zero byte, an escape … */
const CONTROL = /\p{Cc}/u;

/** Half of a surrogate pair, which UTF-8 cannot have. With the flag `u`, a whole pair is one other character. */
const SURROGATE = /\p{Cs}/u;

/**
 * Returns what is wrong with an object's key, or undefined if it is right: `photos/fig.jpg`.
 * @returns a text for the middle of a message, such as `a backslash`
 */
export function keyFault(key: string): string | undefined {
  // A UTF-16 unit has at most three bytes in UTF-8, so a short key need not be encoded.
  const mayBeTooLong = key.length * 3 > MAX_BYTES;
  if (mayBeTooLong && new TextEncoder().encode(key).length > MAX_BYTES) {
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
