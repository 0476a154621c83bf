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

/** How often a text is decoded. A URL inside of a URL is encoded once more: nobody needs so many levels. */
const MAX_ROUNDS = 16;

/**
 * Cuts a text off where a pattern matches it in its plainest spelling. A text that has no match is returned as it was
 * spelled.
 */
function cutAt(pattern: RegExp, text: string): string {
  // The text is decoded until that changes nothing: `sig%253D` is `sig%3D`, which is `sig=`.
  let plain = text;
  for (let round = 0; ; round++) {
    // Anything may be hidden in a text with more levels.
    if (round > MAX_ROUNDS) return "…";

    const decoded = decode(plain);
    if (decoded === plain) break;
    plain = decoded;
  }

  const index = plain.search(pattern);
  if (index < 0) return text;
  return `${plain.slice(0, index)}…`;
}

/** Other spellings of the percent sign before two digits. All of these are `%73`: `%2573`, `%u0073`, `\u0073`, `\x73`. */
const PERCENT = /(?:%(?:25)+|[%\\]u00|\\x)(?=[0-9a-f]{2})/gi;

/** A run of escapes, because several bytes can make one character: `%C3%A9` is `é`. */
const ESCAPES = /(?:%[0-9a-f]{2})+/gi;

/**
 * What nobody sees in a text, and what browsers leave out of a URL. By the names of Unicode: control and format
 * characters, separators of lines and paragraphs, and what fonts do not draw.
 */
export const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Marks on a visible character of ASCII: the line under each letter of an underlined `sig`. */
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
  const bytes = digits.map((pair) => Number.parseInt(pair, 16));
  return utf8.decode(Uint8Array.from(bytes));
}
