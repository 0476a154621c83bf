import { encodePath } from "./public-url.ts";
import type { Refusal } from "./refusal.ts";

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
  imported?: CryptoKey;
};

/** What a route that is signed asks of its URLs. */
export type Signing = {
  /** By kid; the first one signs. */
  readonly keys: ReadonlyMap<string, SigningKey>;
  /** How many seconds ahead a URL may expire. */
  readonly maxAge: number;
};

type Wrong = Extract<Refusal, { event: "signature-wrong" }>;

/** What the signature of a URL says, now that it is known to be right. */
export type Granted = Pick<Grant, "expires" | "version">;

const HMAC = { name: "HMAC", hash: "SHA-256" };

/**
 * Each value has one spelling. A signature's 32 bytes are 43 characters, of which the last one has two
 * bits that are unused, and zero.
 */
const QUERY =
  /^\?exp=([1-9]\d{0,11})&kid=([\w-]{1,32})(?:&v=([\w.-]{1,64}))?&sig=([\w-]{42}[AEIMQUYcgkosw048])$/;

const FORM = "exp in seconds, kid, v if there is one, and sig of 43 characters, in this order";

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

/**
 * Checks the signature of a public URL: the query is `exp`, `kid`, `v` if there is one, and `sig`, in
 * this order and nothing else; and the path is in the spelling of `encodePath`.
 * @param wanted what the URL's path asks for
 * @param now milliseconds since 1970
 */
export async function checkSignature(
  { pathname, search }: URL,
  wanted: Omit<Grant, "expires" | "version">,
  { keys, maxAge }: Signing,
  now: number,
): Promise<Granted | Refusal> {
  if (encodePath(decodeURIComponent(pathname)) !== pathname) {
    return wrong("the path is spelt otherwise than signed URLs are");
  }
  const [, exp, kid = "", version, sig = ""] = QUERY.exec(search) ?? [];
  if (exp === undefined) return wrong(`the query is not ${FORM}`);
  const key = keys.get(kid);
  if (key === undefined) return wrong(`URL_SIGNING_KEYS has no ${kid}`);
  const expires = Number(exp);
  const text = textToSign({ ...wanted, expires, version }, kid);
  const right = await crypto.subtle.verify("HMAC", await importKey(key), bytesOf(sig), utf8(text));
  if (!right) return { ...wrong("the signature is not of this text, or not by this key"), text };
  if (expires * 1000 <= now) {
    return { event: "url-expired", expired: new Date(expires * 1000).toISOString() };
  }
  if (expires * 1000 > now + maxAge * 1000) {
    return wrong(`exp is more than the route's max_age of ${maxAge} s ahead`);
  }
  return { expires, version };
}

function wrong(reason: string): Wrong {
  return { event: "signature-wrong", reason };
}

/** Imported once, when it is first used. */
async function importKey(key: SigningKey): Promise<CryptoKey> {
  key.imported ??= await crypto.subtle.importKey("raw", utf8(key.secret), HMAC, false, [
    "sign",
    "verify",
  ]);
  return key.imported;
}

function bytesOf(base64url: string): Uint8Array {
  const base64 = base64url.replace(/[-_]/g, (found) => (found === "-" ? "+" : "/"));
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
