// Hides credentials in a text for the log: the text ends where the first credential begins. Pure.
// Anybody may paste a presigned URL into a path or a header, and the log would keep it: whoever reads the log could use
// it. Chats, editors, JSON and browsers spell the same URL in many ways, so the text is searched in its plainest
// spelling. Rather too much is hidden than too little.

/** The beginnings of credentials. */
const CREDENTIALS = [
  // A parameter of a presigned URL of S3 or Google: `X-Amz-Signature=`, `X-Goog-Credential=`.
  /x-(?:amz|goog)-/,
  // A signed header: `AWS4-HMAC-SHA256 Credential=`.
  /aws4-hmac/,
  // A parameter of older presigned URLs: `AWSAccessKeyId=`.
  /awsaccesskeyid/,
  // A name, and `=` or `:` in any spelling: `sig=`, `"signature": `, `credential=`, `sig&#61;`, `sig\u{3d}`.
  /(?:sig(?:nature)?|credential)["']?\s*(?:[=:\\]|&#)/,
  // A cookie of Vitrine, which ends with a signature of 43 characters: `1795000000.new.cGhvdG9zLw.6AtV…`.
  /\d\.[\w-]+\.[\w-]+\.[\w-]{43}/,
];

/** Any of them, in upper or lower case. */
const CREDENTIAL = new RegExp(CREDENTIALS.map(({ source }) => source).join("|"), "i");

/** Leaves out everything from the first credential on. */
export function withoutSignatures(text: string): string {
  return cutAt(CREDENTIAL, text);
}

/** Where a query begins, by a question mark, a name and `=`: `?token=`. Any of its values may be a credential. */
const QUERY = /\?[^?=]*=/;

/** Leaves out everything from the first credential or query on: for texts that any visitor may have sent. */
export function withoutQueries(text: string): string {
  return cutAt(QUERY, withoutSignatures(text));
}

/** How often a text is decoded. Each URL inside of another URL needs one time more, and nobody nests so many. */
const MAX_ROUNDS = 16;

/**
 * Cuts a text off where a pattern matches it in its plainest spelling. A text that has no match is returned as it was
 * spelled.
 */
function cutAt(pattern: RegExp, text: string): string {
  // The text is decoded until that changes nothing: `sig%253D` becomes `sig%3D`, and then `sig=`.
  let plain = text;
  for (let round = 0; round <= MAX_ROUNDS; round++) {
    const decoded = decode(plain);
    if (decoded === plain) {
      const index = plain.search(pattern);
      return index < 0 ? text : `${plain.slice(0, index)}…`;
    }

    plain = decoded;
  }

  // Anything may be hidden in a text with more levels.
  return "…";
}

/**
 * Other spellings of the percent sign in `%73`. Two hexadecimal digits follow each of them, and are not replaced:
 * - `%25`, `%2525`, as in `%2573`: the percent sign is escaped itself, once or more often
 * - `%u00` and `\u00`, as in `%u0073` and `\u0073`
 * - `\x`, as in `\x73`
 */
const PERCENT = /(?:%(?:25)+|[%\\]u00|\\x)(?=[0-9a-f]{2})/gi;

/** A run of escapes, because several bytes can make one character: `%C3%A9` is `é`. */
const ESCAPES = /(?:%[0-9a-f]{2})+/gi;

/**
 * Characters that nobody sees, or that browsers leave out of a URL. Their classes in Unicode:
 * - `C`: control and format characters
 * - `Zl`, `Zp`: separators of lines and of paragraphs
 * - `Default_Ignorable_Code_Point`: characters that fonts do not draw
 */
export const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Marks on a visible character of ASCII (`[!-~]`): the line under each letter of an underlined `sig`. */
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
