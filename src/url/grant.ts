// The signatures of a public URL and of a cookie: the Worker checks them, and vitrine/sign makes them. It needs only
// WebCrypto. No clock: an expiry is passed in. No message holds any part of a key.

import { keyFault } from "./key.ts";

/** What a signed public URL grants: one object at one preset, with any descriptor, until it expires. */
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
  /** The imported secret, once it was used. */
  imported?: Imported;
};

/** A CryptoKey. Node.js without the types of browsers does not know that name. */
type Imported = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** The algorithm, as WebCrypto names it. */
export const HMAC = { name: "HMAC", hash: "SHA-256" };

/**
 * Returns the text that is signed: seven lines. No value can hold a line break. The preset has no
 * descriptor, so one signature opens a whole `srcset`.
 */
export function textToSign(
  { route, preset, key, expires, version = "" }: Grant,
  kid: string,
): string {
  return ["vitrine-url-1", kid, expires, version, route, preset, key].join("\n");
}

/**
 * Signs a grant with HMAC-SHA-256. The secret's characters, as UTF-8, are the HMAC key.
 * @returns the query of its URLs; it begins with `?`
 */
export async function signGrant(grant: Grant, key: SigningKey): Promise<string> {
  const text = textToSign(grant, key.kid);
  const code = await crypto.subtle.sign("HMAC", await importKey(key), utf8(text));
  const version = grant.version === undefined ? "" : `&v=${grant.version}`;
  return `?exp=${grant.expires}&kid=${key.kid}${version}&sig=${base64url(code)}`;
}

/** The name of the cookie. */
export const COOKIE = "vitrine";

/** How far ahead a cookie may expire at most: s. Only a change of the key revokes it. */
export const MAX_COOKIE_AGE = 86_400;

/** What a cookie grants: all objects below a prefix, at all presets of the route, until it expires. */
export type CookieGrant = {
  /** The host of the public URLs as `URL.host` spells it: with its port, if that is not the scheme's. */
  readonly host: string;
  /** The route's path as configured: `/private/:preset/*`. */
  readonly route: string;
  /** What the text for `*` begins with, decoded: `friends/2026/`. See `prefixFault`. */
  readonly prefix: string;
  /** Seconds since 1970. */
  readonly expires: number;
};

/** What a cookie says, before its signature is checked. */
export type CookieClaim = Pick<CookieGrant, "prefix" | "expires"> & {
  readonly kid: string;
  readonly sig: string;
};

/** Returns what is wrong with the prefix of a cookie, or undefined if it is right: it is a key, and then a slash. */
export function prefixFault(prefix: string): string | undefined {
  return prefix.endsWith("/") ? keyFault(prefix.slice(0, -1)) : "no slash at its end";
}

/** Returns the text that is signed for a cookie: six lines. No value can hold a line break. */
export function cookieTextToSign(
  { host, route, prefix, expires }: CookieGrant,
  kid: string,
): string {
  return ["vitrine-cookie-1", kid, expires, host, route, prefix].join("\n");
}

/** Signs what a cookie grants, as `signGrant` does. @returns the value of the cookie */
export async function signCookieGrant(grant: CookieGrant, key: SigningKey): Promise<string> {
  const text = cookieTextToSign(grant, key.kid);
  const code = await crypto.subtle.sign("HMAC", await importKey(key), utf8(text));
  return [grant.expires, key.kid, base64url(utf8(grant.prefix)), base64url(code)].join(".");
}

/** EXP, KID, PREFIX and SIG. The prefix has 1,025 bytes at most, and no length that base64 cannot have. */
const COOKIE_VALUE =
  /^([1-9]\d{0,11})\.([A-Za-z][\w-]{0,31})\.((?:[\w-]{4}){0,341}[\w-]{2,4})\.([\w-]{42}[AEIMQUYcgkosw048])$/;

/** Reads the value of a cookie. Each value has one spelling; undefined: it has another one. */
export function readCookieValue(value: string): CookieClaim | undefined {
  const [, exp, kid = "", encoded = "", sig = ""] = COOKIE_VALUE.exec(value) ?? [];
  if (exp === undefined) return undefined;
  const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  const prefix = decoder.decode(bytesOf(encoded));
  // What is not UTF-8, or another spelling of base64, does not come back.
  if (base64url(utf8(prefix)) !== encoded || prefixFault(prefix)) return undefined;
  return { expires: Number(exp), kid, prefix, sig };
}

/** Returns the key for WebCrypto. It is imported once, when it is first used. */
export async function importKey(key: SigningKey): Promise<Imported> {
  key.imported ??= await crypto.subtle.importKey("raw", utf8(key.secret), HMAC, false, [
    "sign",
    "verify",
  ]);
  return key.imported;
}

/** Returns the bytes of a text as UTF-8. */
export function utf8(text: string) {
  return new TextEncoder().encode(text);
}

/** Returns bytes as base64 without the characters that a URL changes, and without padding. */
export function base64url(bytes: ArrayBuffer | Uint8Array): string {
  const text = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Returns the bytes of base64url, whose length is one that base64 can have. */
export function bytesOf(base64url: string) {
  const base64 = base64url.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

const KID = /^[A-Za-z][\w-]{0,31}$/;
const EXAMPLE = 'a JSON object such as {"k1": "..."}';
const SIGNING_KEY = /^[\x21-\x7e]{32,}$/;

/**
 * Reads the secret URL_SIGNING_KEYS, a JSON object such as `{"k2": "…", "k1": "…"}`. The order matters:
 * the first key signs. A kid begins with a letter, because JavaScript moves numeric names to the front.
 * @param fault is called with each mistake; no message holds any part of a key
 * @returns the keys that are right, by kid, in the order of the secret
 */
export function readSigningKeys(
  secret: string,
  fault: (message: string) => void,
): ReadonlyMap<string, SigningKey> {
  const keys = new Map<string, SigningKey>();
  const table = parseTable(secret);
  if (table === undefined)
    fault(`is ${/\S/.test(secret) ? "not" : "not set: it must be"} ${EXAMPLE}`);
  else if (table.length === 0) fault("has no keys");
  // JSON.parse silently keeps the last of two equal names, so kids are counted in the text. No right key
  // has a quote in it.
  const kids = secret.match(/"[^"]*"(?=\s*:)/g) ?? [];
  if (new Set(kids).size < kids.length) fault("has the same kid twice");
  for (const [kid, key] of table ?? []) {
    if (!KID.test(kid)) {
      fault("a kid must be a letter, then at most 31 letters, digits, - and _");
    } else if (typeof key !== "string" || !SIGNING_KEY.test(key)) {
      fault(`the key of ${kid} must be at least 32 ASCII characters, without spaces`);
    } else {
      keys.set(kid, { kid, secret: key });
    }
  }
  return keys;
}

/** Returns the entries of a JSON object, or undefined if the text is not one. */
function parseTable(text: string): [string, unknown][] | undefined {
  try {
    return /^\s*\{/.test(text) ? Object.entries(JSON.parse(text)) : undefined;
  } catch {
    return undefined;
  }
}
