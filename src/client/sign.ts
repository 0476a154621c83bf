// vitrine/sign: signs public URLs and cookies wherever WebCrypto exists: Node.js 20, Workers, Deno, Bun. For servers
// only: whoever has the keys can sign any URL. It shares the signing code with the Worker, and it never
// prints or stores a key.

import { COOKIE, MAX_COOKIE_AGE, prefixFault, signCookieGrant } from "../url/cookie.ts";
import { encodePath } from "../url/encoding.ts";
import { readSigningKeys, type SigningKey, signGrant } from "../url/grant.ts";
import { fail, requirePreset, urlOf } from "./site.ts";
import type { AnySite, PresetTable, Site } from "./types.ts";

/** How long a signature is valid. */
export type Term = {
  /** When it expires: seconds since 1970. See `expiresWithin`. */
  readonly expires: number;
  /** Change it when the content of the object changes: 1 to 64 of `A–Z a–z 0–9 . _ -`. */
  readonly version?: string;
};

const VERSION = /^[\w.-]{1,64}$/;
const LATEST = 999_999_999_999; // the most that the Worker reads; a time in milliseconds is larger

/**
 * Makes a function that signs for one site. The function returns the query of an object's URLs at one
 * preset. The query begins with `?`, and it is the same for all descriptors of the preset.
 *
 * The promise rejects with a RangeError if the route does not show the preset or does not lead to the key,
 * if no object can have the key, or if `expires` (see the route's `max_age`) or `version` is out of range.
 * @param keys the secret URL_SIGNING_KEYS; its first key signs
 * @throws RangeError if the keys cannot be used; the message holds no part of a key
 * @example
 * const sign = createSigner(images.site, URL_SIGNING_KEYS);
 * const query = await sign("photos/fig.jpg", "hero", { expires: expiresWithin(3600) });
 * const fig = images.imgProps("photos/fig.jpg", "hero", { alt: "A fig", sizes: "100vw", query });
 */
export function createSigner<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  keys: string,
): (key: string, preset: Name, term: Term) => Promise<string> {
  const signingKey = readFirstKey(keys);
  return async (key, preset, { expires, version }) => {
    requirePreset(site, preset); // a variant such as card@2x is not a preset
    urlOf(site, key, preset, "?"); // throws if the route does not lead to the key
    checkExpires(expires, site.route.max_age);
    if (version !== undefined && !VERSION.test(version)) {
      fail("version must be 1 to 64 of the characters A–Z a–z 0–9 . _ -");
    }
    return signGrant({ route: site.route.path, preset, key, expires, version }, signingKey);
  };
}

/** @throws RangeError if the keys cannot be used */
function readFirstKey(keys: string): SigningKey {
  const faults: string[] = [];
  // In JavaScript, a variable that is not set is undefined.
  const [first] = readSigningKeys(keys ?? "", (fault) => faults.push(fault)).values();
  if (faults.length === 0 && first) return first;
  return fail(`URL_SIGNING_KEYS: ${faults.join("; ")}`);
}

/** @param maxAge how far ahead it may be: s @param now milliseconds since 1970 */
function checkExpires(expires: number, maxAge = LATEST, now = Date.now()): void {
  if (!Number.isInteger(expires) || expires < 1 || expires > LATEST)
    fail(`expires must be in whole seconds since 1970, not ${expires}`);
  if (expires > now / 1000 + maxAge)
    fail(`expires must be at most ${maxAge} s ahead (max_age; for a cookie at most a day)`);
}

/** What a cookie opens, and who gets it. */
export type CookieTerm = Pick<Term, "expires"> & {
  /** What the text for `*` (not the key) begins with, not encoded: `friends/2026/`. It ends with a slash. */
  readonly prefix: string;
  /** Whose sub-domains it is sent to: `example.com`. Default: only the host that sets it. */
  readonly domain?: string | undefined;
  /** The host of the public URLs, with its port if that is not the scheme's. Default: that of `baseUrl`. */
  readonly host?: string | undefined;
};

/** A cookie to set. */
export type SignedCookie = {
  readonly name: string;
  readonly value: string;
  /** As libraries for cookies take them. */
  readonly attributes: {
    readonly path: string;
    readonly domain?: string;
    readonly expires: Date;
    readonly secure: true;
    readonly httpOnly: true;
    readonly sameSite: "lax";
  };
  /** All of it, as the header `Set-Cookie` has it. */
  readonly header: string;
};

/**
 * Signs the cookie that opens all pictures below a prefix, at all presets of a route with `cookie = true`. A
 * browser has one for each domain and route: the next one replaces it, and one that has expired removes it.
 *
 * The promise rejects with a RangeError if the route has no `cookie: true`, if `prefix`, `domain` or `host` is
 * wrong, if `expires` is more than 24 hours or the route's `max_age` ahead, or if the keys cannot be used.
 * @param now milliseconds since 1970
 * @example
 * const term = { prefix: "friends/", expires: expiresWithin(3600), domain: "example.com" };
 * const { header } = await signCookie(images.site, URL_SIGNING_KEYS, term);
 */
export async function signCookie(
  { base: baseUrl, route, mapping }: AnySite,
  keys: string,
  { prefix, expires, domain, host: chosenHost }: CookieTerm,
  now: number = Date.now(),
): Promise<SignedCookie> {
  const signingKey = readFirstKey(keys);
  if (!route.cookie) fail(`route ${route.path} has no cookie = true in wrangler.toml`);
  const fault = prefixFault(prefix);
  if (fault) fail(`invalid prefix "${prefix.slice(0, 99)}": ${fault}`);
  const [keyPrefix = ""] = mapping.key.parts;
  if (keyPrefix && prefix.startsWith(keyPrefix))
    fail(`prefix "${prefix.slice(0, 99)}": leave out "${keyPrefix}", which the route adds`);
  checkExpires(expires, Math.min(route.max_age ?? MAX_COOKIE_AGE, MAX_COOKIE_AGE), now);
  // "https://images.example.com/app" → "images.example.com" and "/app"; "/app" → no host, and "/app".
  const [, urlHost, folder = ""] = /^(?:https?:\/\/([^/]+))?(.*)$/i.exec(baseUrl) ?? [];
  const host = chosenHost ?? urlHost ?? fail("baseUrl has no host: pass { host }");
  const url = `https://${host}`;
  if (!URL.canParse(url) || new URL(url).host !== host) fail(`"${host}" is not a host in a URL`);
  if (domain !== undefined && !`.${host.replace(/:\d+$/, "")}`.endsWith(`.${domain}`)) {
    fail(`domain "${domain}" is neither ${host} nor above it: small letters, no dot first`);
  }
  const value = await signCookieGrant({ host, route: route.path, prefix, expires }, signingKey);
  const path = folder + encodePath(mapping.path.parts[0] ?? "/");
  const until = new Date(expires * 1000);
  const flags = { secure: true, httpOnly: true, sameSite: "lax" } as const;
  const scope = domain ? `Path=${path}; Domain=${domain}` : `Path=${path}`;
  const expiry = `Expires=${until.toUTCString()}; Secure; HttpOnly; SameSite=Lax`;
  return {
    name: COOKIE,
    value,
    header: `${COOKIE}=${value}; ${scope}; ${expiry}`,
    attributes: { path, ...(domain && { domain }), expires: until, ...flags },
  };
}

/**
 * Returns an expiry for URLs that are valid for at most `seconds`, and for at least half of that. It
 * changes only every `seconds / 2`: until then a page has the same URLs each time it is made, and browsers
 * find the pictures in their caches.
 * @param seconds a whole number from 2 on; a little less than the route's `max_age`, since clocks differ
 * @param now milliseconds since 1970
 * @returns seconds since 1970
 * @throws RangeError if `seconds` is not a whole number, or is less than 2
 * @example
 * await sign("photos/fig.jpg", "hero", { expires: expiresWithin(3600) });
 */
export function expiresWithin(seconds: number, now: number = Date.now()): number {
  if (!Number.isInteger(seconds) || seconds < 2) {
    fail(`seconds must be a whole number from 2 on, not ${seconds}`);
  }
  const step = Math.floor(seconds / 2);
  return Math.floor(now / 1000 / step) * step + seconds;
}
