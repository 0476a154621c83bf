// Hides the credentials of URLs in a text: the text ends where the first one begins. Pure.

/** Where the signature of a public URL begins, a parameter of a presigned URL (S3, Google), or a signed header. */
const SIGNED = /x-(?:amz|goog)-|aws4-hmac|awsaccesskeyid|sig(?:nature)?["']?\s*[=:]/i;

/** Where a query begins. Any of its values may be a credential. */
const QUERY = /\?[^?=]*=/;

/** A printable ASCII character as `%73`, also encoded more than once, `%u0073`, `\u0073` or `\x73`. */
const ESCAPE = /(?:%(?:25)*|[%\\]u00|\\x)([2-6][0-9a-f]|7[0-9a-e])/gi;

/** What a browser leaves out of a URL, or nobody sees in a text. */
const HIDDEN = /[\p{Cc}\p{Cf}]/gu;
const DASH = /\p{Pd}/gu;

/** Leaves out everything from a signature on. */
export function withoutSignatures(text: string): string {
  return upTo(SIGNED, text);
}

/** Leaves out everything from a signature or a query on: for texts that any visitor may have sent. */
export function withoutQueries(text: string): string {
  return upTo(QUERY, upTo(SIGNED, text));
}

/** The text up to what a pattern finds in it, in any spelling. */
function upTo(pattern: RegExp, text: string): string {
  const plain = decode(text.normalize("NFKC").replace(HIDDEN, "").replace(DASH, "-"));
  const at = plain.search(pattern);
  return at < 0 ? text : `${plain.slice(0, at)}…`;
}

function decode(text: string): string {
  const once = text.replace(ESCAPE, (_escape, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return once === text ? text : decode(once);
}
