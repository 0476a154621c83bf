// The cookie that opens all objects below a prefix. vitrine/sign makes it, and the Worker checks it. It reads no clock:
// the callers check whether an expiry has passed. A value has only one valid spelling.

import { decodeBase64, encodeBase64url, utf8 } from "./encoding.ts";
import { type Grant, type SigningKey, signText } from "./grant.ts";
import { keyFault } from "./key.ts";

/** The name of the cookie. */
export const COOKIE = "vitrine";

/** How far ahead a cookie may expire at most, in seconds. Only a change of the key revokes a cookie. */
export const MAX_COOKIE_AGE = 86_400;

/** What a cookie grants: all objects below a prefix, at all presets of the route, until it expires. */
export type CookieGrant = {
  /** The host of the public URLs as `URL.host` spells it: with its port, if that is not the scheme's. */
  readonly host: string;
  /**
   * Compared with what the URL has in place of `*`, decoded. If the route's path is `/private/:preset/*`, the prefix
   * `friends/2026/` opens `/private/card/friends/2026/fig.jpg`. See `prefixFault`.
   */
  readonly prefix: string;
} & Pick<Grant, "route" | "expires">;

/** What the value of a cookie says, before its signature is checked. */
type CookieClaims = Pick<CookieGrant, "prefix" | "expires"> & {
  /** The id of the key that signed it. */
  readonly kid: string;
  readonly sig: string;
};

/** Returns what is wrong with the prefix of a cookie, or undefined if it is valid: a valid key, and then a slash. */
export function prefixFault(prefix: string): string | undefined {
  if (!prefix.endsWith("/")) return "no slash at its end";

  return keyFault(prefix.slice(0, -1));
}

/** Returns the text that is signed for a cookie: six lines, since no value can hold a line break. */
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
 * Matches what `signCookieGrant` returns: `1800000000.k1.ZnJpZW5kcy8.…`. Its parts, with dots between them:
 * - `[1-9]\d{0,11}`: the expiry
 * - `[A-Za-z][\w-]{0,31}`: the kid
 * - `(?:[\w-]{4}){0,341}[\w-]{2,4}`: the prefix in base64url, a group of four characters for three bytes. The longest
 *   prefix, a key and a slash, has 1,025 bytes: 341 groups, and a last one for two bytes. The last group may have two
 *   characters for one byte, or three for two
 * - `[\w-]{42}[AEIMQUYcgkosw048]`: the signature, 32 bytes. The last character has four bits, so it is one of 16
 */
const COOKIE_VALUE =
  /^[1-9]\d{0,11}\.[A-Za-z][\w-]{0,31}\.(?:[\w-]{4}){0,341}[\w-]{2,4}\.[\w-]{42}[AEIMQUYcgkosw048]$/;

/** Reads the value of a cookie, and does not check its signature. @returns undefined for any other spelling */
export function readCookieValue(value: string): CookieClaims | undefined {
  if (!COOKIE_VALUE.test(value)) return undefined;

  // The text has these four parts. The defaults "" are for the compiler alone.
  const [expires, kid = "", encodedPrefix = "", sig = ""] = value.split(".");

  // This never throws (`fatal: false`), and drops no byte order mark (`ignoreBOM: true`). Bytes that are not UTF-8
  // become another character, which the next check finds.
  const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  const prefix = decoder.decode(decodeBase64(encodedPrefix));

  // The prefix must encode to the same text again. It does not if its bytes are not UTF-8, or if unused bits are set.
  const isCanonical = encodeBase64url(utf8(prefix)) === encodedPrefix;
  if (!isCanonical || prefixFault(prefix)) return undefined;

  return { expires: Number(expires), kid, prefix, sig };
}
