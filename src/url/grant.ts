// The signature of a public URL, and the keys that sign. vitrine/sign makes the signature, and the Worker checks it. It
// needs only WebCrypto. It reads no clock: the callers check whether an expiry has passed.
// No message holds any part of a key: whoever has a key can sign any URL.

import { decodeBase64, encodeBase64url, utf8 } from "./encoding.ts";

/** What a signed public URL grants until it expires: one object at one preset, in all sizes (`card`, `card@2x`). */
export type Grant = {
  /** The route's path as configured: `/images/:preset/*`. */
  readonly route: string;
  readonly preset: string;
  /** The object's key, below the bucket's `prefix`. */
  readonly key: string;
  /** Seconds since 1970. */
  readonly expires: number;
  /** Changes when the content of the object changes: 1 to 64 of `A–Z a–z 0–9 . _ -`. */
  readonly version?: string | undefined;
};

/** One key of URL_SIGNING_KEYS. */
export type SigningKey = {
  /** The key's id. It is part of each URL that the key signs. */
  readonly kid: string;
  readonly secret: string;
  /** The secret as a key of WebCrypto, once it was used. */
  imported?: ImportedKey;
};

/** A CryptoKey. Node.js without the types of browsers does not know that name. */
type ImportedKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/**
 * Returns the text that is signed: seven lines, since no value can hold a line break. Without a version, its line is
 * empty. The preset stands there without `@2x`, so one signature opens a whole `srcset`.
 */
export function textToSign(
  { route, preset, key, expires, version = "" }: Grant,
  kid: string,
): string {
  return ["vitrine-url-1", kid, expires, version, route, preset, key].join("\n");
}

/**
 * Signs a grant.
 * @returns the query of its URLs: `?exp=2000000000&kid=k1&sig=…`, or `?exp=2000000000&kid=k1&v=7&sig=…` with a version
 */
export async function signGrant(grant: Grant, key: SigningKey): Promise<string> {
  const sig = await signText(textToSign(grant, key.kid), key);
  const version = grant.version === undefined ? "" : `&v=${grant.version}`;
  return `?exp=${grant.expires}&kid=${key.kid}${version}&sig=${sig}`;
}

/**
 * Signs a text with HMAC-SHA-256. The secret's characters, as UTF-8, are the HMAC key.
 * @returns 43 characters of base64url
 */
export async function signText(text: string, key: SigningKey): Promise<string> {
  const imported = await importKey(key);
  const sig = await crypto.subtle.sign("HMAC", imported, utf8(text));
  return encodeBase64url(sig);
}

/**
 * Returns whether a signature is that of a text. The check takes the same time for each wrong signature.
 * @param sig base64url: the caller has checked its form
 */
export async function isSignature(sig: string, text: string, key: SigningKey): Promise<boolean> {
  // The Worker runs this for each signed request. `importKey` would return a key that is there, too, but the await
  // alone costs time.
  let imported = key.imported;
  if (!imported) imported = await importKey(key);

  return crypto.subtle.verify("HMAC", imported, decodeBase64(sig), utf8(text));
}

const HMAC = { name: "HMAC", hash: "SHA-256" };

/** Returns the key for WebCrypto. The first call imports it. */
async function importKey(key: SigningKey): Promise<ImportedKey> {
  if (!key.imported) {
    const secret = utf8(key.secret);
    key.imported = await crypto.subtle.importKey("raw", secret, HMAC, false, ["sign", "verify"]);
  }

  return key.imported;
}

/** A letter, then at most 31 letters, digits, `-` and `_`: `k1`. */
const KID = /^[A-Za-z][\w-]{0,31}$/;

/** Printable ASCII without spaces, 32 characters or more. */
const SIGNING_KEY = /^[\x21-\x7e]{32,}$/;

/**
 * Matches the name of each entry in the text of a JSON object: `"k1"` in `{"k1": "…"}`. It is a text in quotes before a
 * colon, and has no quote inside, since no valid kid has one. It also finds `"x\"` in the value `"…\"x\":…"`. That only
 * matters if the same text is found twice.
 */
const ENTRY_NAMES = /"[^"]*"(?=\s*:)/g;

const EXAMPLE = 'a JSON object such as {"k1": "..."}';

/**
 * Reads the secret URL_SIGNING_KEYS, a JSON object such as `{"k2": "…", "k1": "…"}`. The order matters:
 * the first key signs.
 * @param report is called with each mistake; no message holds any part of a key
 * @returns the valid keys by kid, in the order of the secret
 */
export function readSigningKeys(
  secret: string,
  report: (message: string) => void,
): ReadonlyMap<string, SigningKey> {
  const entries = parseEntries(secret);
  if (!entries) {
    const isSet = /\S/.test(secret);
    report(isSet ? `is not ${EXAMPLE}` : `is not set: it must be ${EXAMPLE}`);
  } else if (entries.length === 0) {
    report("has no keys");
  }

  // JSON.parse takes the last of two equal names, without an error. So the kids are counted in the text.
  const kids = secret.match(ENTRY_NAMES) ?? [];
  if (new Set(kids).size < kids.length) report("has the same kid twice");

  const keys = new Map<string, SigningKey>();
  for (const [kid, key] of entries ?? []) {
    if (!KID.test(kid)) {
      // A kid such as `1` would lose its place: JavaScript moves numeric names of an object to the front.
      report("a kid must be a letter, then at most 31 letters, digits, - and _");
    } else if (typeof key !== "string" || !SIGNING_KEY.test(key)) {
      report(`the key of ${kid} must be at least 32 ASCII characters, without spaces`);
    } else {
      keys.set(kid, { kid, secret: key });
    }
  }

  return keys;
}

/** Returns the entries of a JSON object, or undefined if the text is not one. */
function parseEntries(text: string): [name: string, value: unknown][] | undefined {
  const beginsAsObject = /^\s*\{/.test(text);
  if (!beginsAsObject) return undefined;

  try {
    return Object.entries(JSON.parse(text));
  } catch {
    return undefined;
  }
}
