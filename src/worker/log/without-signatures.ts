// Hides credentials in a text for the log: the text ends where the first credential begins. Pure.
// Anybody may paste a presigned URL into a path or a header, and the log would keep it: whoever reads the log could use
// it. Chats, editors, JSON and browsers spell the same URL in many ways, so the text is searched in its plainest
// spelling. Rather too much is hidden than too little.

/**
 * Where a credential begins. In the order of the expression:
 * - `X-Amz-Signature=`, `X-Goog-Credential=`: a parameter of a presigned URL of S3 or Google
 * - `AWS4-HMAC-SHA256 Credential=`: a signed header
 * - `AWSAccessKeyId=`: a parameter of older presigned URLs
 * - `sig=`, `"signature": `, `credential=`, `sig&#61;`, `sig\u{3d}`: a name, and any sign behind it
 * - `1795000000.new.cGhvdG9zLw.` and then a signature of 43 characters: a cookie of Vitrine
 */
const CREDENTIAL =
  /x-(?:amz|goog)-|aws4-hmac|awsaccesskeyid|(?:sig(?:nature)?|credential)["']?\s*(?:[=:\\]|&#)|\d\.[\w-]+\.[\w-]+\.[\w-]{43}/i;

/** Leaves out everything from the first credential on. */
export function withoutSignatures(text: string): string {
  return cutAt(CREDENTIAL, text);
}

/** Where a query begins: `?token=`. Any of its values may be a credential. */
const QUERY = /\?[^?=]*=/;

/** Leaves out everything from the first credential or query on: for texts that any visitor may have sent. */
export function withoutQueries(text: string): string {
  return cutAt(QUERY, withoutSignatures(text));
}

/** Returns the text up to what a pattern finds in it, in any spelling. */
function cutAt(pattern: RegExp, text: string): string {
  const plain = decodeFully(text);
  if (plain === undefined) return "…";

  const index = plain.search(pattern);
  if (index < 0) return text;
  return `${plain.slice(0, index)}…`;
}

/** How often a text is decoded. A URL inside of a URL is encoded once more: nobody needs so many levels. */
const MAX_ROUNDS = 16;

/**
 * Decodes a text until decoding changes nothing. One round is not enough: `sig%253D` is `sig%3D`, which is `sig=`.
 * @returns undefined if there are more rounds than anybody needs: anything may be hidden in the text
 */
function decodeFully(text: string): string | undefined {
  let plain = text;
  for (let round = 0; round <= MAX_ROUNDS; round++) {
    const decoded = decode(plain);
    if (decoded === plain) return plain;
    plain = decoded;
  }
  return undefined;
}

/** Other spellings of the percent sign before two digits: `%2573`, `%u0073`, `\u0073`, `\x73` are `%73`. */
const PERCENT = /(?:%(?:25)+|[%\\]u00|\\x)(?=[0-9a-f]{2})/gi;

/** A run of escapes, because several bytes can make one character: `%C3%A9` is `é`. */
const ESCAPES = /(?:%[0-9a-f]{2})+/gi;

/** What nobody sees in a text, and what browsers leave out of a URL: a zero-width space, a soft hyphen, a line break. */
export const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** What is drawn over a character of ASCII: the line under each letter of an underlined `sig`. */
const MARKS = /(?<=[!-~])\p{M}+/gu;

/** A hyphen or dash of any kind. Text editors put them in place of `-`. */
const DASH = /\p{Pd}/gu;

/** Takes one level of encoding off a text, and makes ASCII of what looks like ASCII. */
function decode(text: string): string {
  const unescaped = text.replace(PERCENT, "%").replace(ESCAPES, decodeEscapes);

  return unescaped
    .normalize("NFKC") // letters and signs of full width become ASCII
    .replaceAll("≠", "=") // NFKC joins `=` and the mark that strikes it through
    .replace(INVISIBLE, "")
    .replace(MARKS, "")
    .replace(DASH, "-");
}

const utf8 = new TextDecoder();

/** Decodes `%C3%A9`. Bytes that are no UTF-8 become U+FFFD. */
function decodeEscapes(escapes: string): string {
  const digits = escapes.slice(1).split("%");
  return utf8.decode(Uint8Array.from(digits, parseHex));
}

function parseHex(digits: string): number {
  return Number.parseInt(digits, 16);
}
