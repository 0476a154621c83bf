// What the signature of a public URL is of: one definition for the Worker, which checks signatures, and
// for `vitrine/sign`, which makes them. It needs WebCrypto and nothing else.

/** What a signed public URL grants: an object at one preset, with any of its descriptors, until it expires. */
export type Grant = {
  /** The route's path as configured: `/images/:preset/*`. */
  readonly route: string;
  readonly preset: string;
  /** Below the bucket's prefix. */
  readonly key: string;
  /** Seconds since 1970. */
  readonly expires: number;
  /** 1 to 64 of `A–Z a–z 0–9 . _ -`: another one for each content of the object. */
  readonly version?: string | undefined;
};

/** A key of URL_SIGNING_KEYS. */
export type SigningKey = {
  readonly kid: string;
  readonly secret: string;
  /** The same, once it was used. */
  imported?: Imported;
};

/** A CryptoKey, also where that is no type of its own, as in Node.js without the types of browsers. */
type Imported = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

const HMAC = { name: "HMAC", hash: "SHA-256" };

/**
 * The text that is signed: seven lines, of which none can hold the end of a line. The preset stands in
 * it without a descriptor, so that one signature serves a whole srcset.
 */
export function textToSign(
  { route, preset, key, expires, version = "" }: Grant,
  kid: string,
): string {
  return ["vitrine-url-1", kid, expires, version, route, preset, key].join("\n");
}

/**
 * Signs a grant with HMAC-SHA-256. The key's text is used as it is, as UTF-8.
 * @returns the query string of its URLs, from its `?` on
 */
export async function signGrant(grant: Grant, key: SigningKey): Promise<string> {
  const text = textToSign(grant, key.kid);
  const code = await crypto.subtle.sign("HMAC", await importKey(key), utf8(text));
  const sig = btoa(String.fromCharCode(...new Uint8Array(code)))
    .replace(/[+/]/g, (found) => (found === "+" ? "-" : "_"))
    .replace("=", "");
  const version = grant.version === undefined ? "" : `&v=${grant.version}`;
  return `?exp=${grant.expires}&kid=${key.kid}${version}&sig=${sig}`;
}

/** Imported once, when it is first used. */
export async function importKey(key: SigningKey): Promise<Imported> {
  key.imported ??= await crypto.subtle.importKey("raw", utf8(key.secret), HMAC, false, [
    "sign",
    "verify",
  ]);
  return key.imported;
}

export function utf8(text: string) {
  return new TextEncoder().encode(text);
}

const KID = /^[A-Za-z][\w-]{0,31}$/;
const SIGNING_KEY = /^[\x21-\x7e]{32,}$/;

/**
 * The keys that public URLs are signed with, by kid, in the order of the secret URL_SIGNING_KEYS: JSON
 * of kid → key, as `{"k2": "…", "k1": "…"}`. A kid begins with a letter, since an object puts numbers
 * first.
 * @param fault is told what is wrong, without any part of a key
 */
export function readSigningKeys(
  secret: string,
  fault: (message: string) => void,
): ReadonlyMap<string, SigningKey> {
  const keys = new Map<string, SigningKey>();
  const table = parseTable(secret);
  if (table === undefined) fault('is no JSON such as {"k1": "<32 characters or more>"}');
  else if (table.length === 0) fault("has no key in it");
  // JSON.parse keeps the last of two in silence. No key has a quote in it.
  const kids = secret.match(/"[^"]*"(?=\s*:)/g) ?? [];
  if (new Set(kids).size < kids.length) fault("has a kid twice");
  for (const [kid, key] of table ?? []) {
    if (!KID.test(kid)) {
      fault("a kid is a letter, and up to 31 letters, digits, - and _ after it");
    } else if (typeof key !== "string" || !SIGNING_KEY.test(key)) {
      fault(`the key of ${kid} is not 32 characters or more of ASCII, without spaces`);
    } else {
      keys.set(kid, { kid, secret: key });
    }
  }
  return keys;
}

function parseTable(text: string): [string, unknown][] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isTable = typeof value === "object" && value !== null && !Array.isArray(value);
    return isTable ? Object.entries(value) : undefined;
  } catch {
    return undefined;
  }
}
