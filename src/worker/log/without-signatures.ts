// Hides the credentials of URLs and cookies in a text: the text ends where the first credential begins. Pure.

/** A parameter of a presigned URL (S3, Google), a signed header, a signature with its name, or a cookie of Vitrine. */
const SIGNED =
  /x-(?:amz|goog)-|aws4-hmac|awsaccesskeyid|(?:sig(?:nature)?|credential)["']?\s*(?:[=:\\]|&#)|\d\.[\w-]+\.[\w-]+\.[\w-]{43}/i;

/** Where a query begins. Any of its values may be a credential. */
const QUERY = /\?[^?=]*=/;

/** Other spellings of the percent sign of an escape: `%2573`, `%u0073`, `\u0073`, `\x73`. */
const PERCENT = /(?:%(?:25)+|[%\\]u00|\\x)(?=[0-9a-f]{2})/gi;
const ESCAPES = /(?:%[0-9a-f]{2})+/gi;

/** What nobody sees in a text, and what a browser leaves out of a URL. */
export const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
/** What is drawn over a character of ASCII. */
const MARKS = /(?<=[!-~])\p{M}+/gu;
const DASH = /\p{Pd}/gu;

/** How often a text is decoded. In a text that is encoded more often, anything may be hidden. */
const MAX_ROUNDS = 16;

/** Leaves out everything from a signature on. */
export function withoutSignatures(text: string): string {
  return cutAt(SIGNED, text);
}

/** Leaves out everything from a signature or a query on: for texts that any visitor may have sent. */
export function withoutQueries(text: string): string {
  return cutAt(QUERY, cutAt(SIGNED, text));
}

/** The text up to what a pattern finds in it, in any spelling. */
function cutAt(pattern: RegExp, text: string): string {
  let plain = text;
  for (let rounds = 0, last = ""; plain !== last; rounds++) {
    if (rounds > MAX_ROUNDS) return "…";
    last = plain;
    plain = decode(plain);
  }
  const at = plain.search(pattern);
  return at < 0 ? text : `${plain.slice(0, at)}…`;
}

function decode(text: string): string {
  return text
    .replace(PERCENT, "%")
    .replace(ESCAPES, (run) => utf8.decode(Uint8Array.from(run.slice(1).split("%"), parseHex)))
    .normalize("NFKC")
    .replaceAll("≠", "=")
    .replace(INVISIBLE, "")
    .replace(MARKS, "")
    .replace(DASH, "-");
}

const utf8 = new TextDecoder();
const parseHex = (digits: string) => Number.parseInt(digits, 16);
