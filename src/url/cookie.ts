// The cookie that opens all objects below a prefix: the Worker checks it, and vitrine/sign makes it. No clock: an expiry
// is passed in.

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
  const sig = await signText(cookieTextToSign(grant, key.kid), key);
  return [grant.expires, key.kid, encodeBase64url(utf8(grant.prefix)), sig].join(".");
}

/** EXP, KID, PREFIX and SIG. The prefix has 1,025 bytes at most, and no length that base64 cannot have. */
const COOKIE_VALUE =
  /^([1-9]\d{0,11})\.([A-Za-z][\w-]{0,31})\.((?:[\w-]{4}){0,341}[\w-]{2,4})\.([\w-]{42}[AEIMQUYcgkosw048])$/;

/** Reads the value of a cookie, and does not check its signature. @returns undefined for any other spelling */
export function readCookieValue(value: string) {
  const [, exp, kid = "", encoded = "", sig = ""] = COOKIE_VALUE.exec(value) ?? [];
  if (exp === undefined) return undefined;
  const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  const prefix = decoder.decode(decodeBase64(encoded));
  // What is not UTF-8, or another spelling of base64, does not come back.
  if (encodeBase64url(utf8(prefix)) !== encoded || prefixFault(prefix)) return undefined;
  return { expires: Number(exp), kid, prefix, sig };
}
