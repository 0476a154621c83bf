// The cookie that opens all objects below a prefix: the Worker checks it, and vitrine/sign makes it. No clock: an expiry
// is passed in, and its callers compare it with the time. Its value has one spelling: any other text is no such cookie.

import { decodeBase64, encodeBase64url, utf8 } from "./encoding.ts";
import { type Grant, type SigningKey, signText } from "./grant.ts";
import { keyFault } from "./key.ts";

/** The name of the cookie. */
export const COOKIE = "vitrine";

/** How far ahead a cookie may expire at most: s. Only a change of the key revokes it. */
export const MAX_COOKIE_AGE = 86_400;

/** What a cookie grants: all objects below a prefix, at all presets of the route, until it expires. */
export type CookieGrant = {
  /** The host of the public URLs as `URL.host` spells it: with its port, if that is not the scheme's. */
  readonly host: string;
  /** What the text for `*` begins with, decoded: `friends/2026/`. See `prefixFault`. */
  readonly prefix: string;
} & Pick<Grant, "route" | "expires">;

/** What the value of a cookie says, before its signature is checked. */
type CookieClaims = Pick<CookieGrant, "prefix" | "expires"> & {
  /** The id of the key that signed it. */
  readonly kid: string;
  readonly sig: string;
};

/** Returns what is wrong with the prefix of a cookie, or undefined if it is right: it is a key, and then a slash. */
export function prefixFault(prefix: string): string | undefined {
  if (!prefix.endsWith("/")) return "no slash at its end";

  return keyFault(prefix.slice(0, -1));
}

/** Returns the text that is signed for a cookie: six lines. No value can hold a line break. */
export function cookieTextToSign(
  { host, route, prefix, expires }: CookieGrant,
  kid: string,
): string {
  return ["vitrine-cookie-1", kid, expires, host, route, prefix].join("\n");
}

/**
 * Signs what a cookie grants, as `signGrant` does.
 * @returns the value of the cookie: the expiry, the kid, the prefix in base64url and the signature, with dots between them
 */
export async function signCookieGrant(grant: CookieGrant, key: SigningKey): Promise<string> {
  const sig = await signText(cookieTextToSign(grant, key.kid), key);
  const prefix = encodeBase64url(utf8(grant.prefix));
  return [grant.expires, key.kid, prefix, sig].join(".");
}

/**
 * Matches what `signCookieGrant` returns: `1800000000.k1.ZnJpZW5kcy8.…`. The prefix has 1,025 bytes at most, and no length that base64 cannot have. The
 * signature has 32 bytes, which are 43 characters; two bits of the last one must be zero.
 */
const COOKIE_VALUE =
  /^[1-9]\d{0,11}\.[A-Za-z][\w-]{0,31}\.(?:[\w-]{4}){0,341}[\w-]{2,4}\.[\w-]{42}[AEIMQUYcgkosw048]$/;

/** Reads the value of a cookie, and does not check its signature. @returns undefined for any other spelling */
export function readCookieValue(value: string): CookieClaims | undefined {
  if (!COOKIE_VALUE.test(value)) return undefined;

  // Each of these parts is there, and none has a dot in it: "" is for the compiler alone.
  const [expires, kid = "", encodedPrefix = "", sig = ""] = value.split(".");

  const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  const prefix = decoder.decode(decodeBase64(encodedPrefix));

  // What is not UTF-8, or another spelling of base64, does not come back.
  const hasOneSpelling = encodeBase64url(utf8(prefix)) === encodedPrefix;
  if (!hasOneSpelling || prefixFault(prefix) !== undefined) return undefined;

  return { expires: Number(expires), kid, prefix, sig };
}
