// vitrine/sign: signs public URLs and cookies wherever WebCrypto exists: Node.js 20, Workers, Deno, Bun. For servers
// only: whoever has the keys can sign any URL. It never prints or stores a key.

import { COOKIE, MAX_COOKIE_AGE, prefixFault, signCookieGrant } from "../url/cookie.ts";
import { encodePath } from "../url/encoding.ts";
import { readSigningKeys, type SigningKey, signGrant } from "../url/grant.ts";
import { requirePreset, throwRangeError, urlOf } from "./site.ts";
import type { AnySite, PresetTable, Site } from "./types.ts";

/**
 * When a signature expires. At most the route's `max_age` ahead, if the client knows it: the Worker refuses more, and so
 * does the client, as a RangeError.
 */
export type Expiry =
  | {
      /**
       * How many seconds the signature is valid at most. It is valid for at least half of that: the expiry moves in steps,
       * as `expiresWithin` says. Take a little less than the route's `max_age`, since clocks differ.
       */
      readonly within: number;
      readonly expires?: undefined;
    }
  | {
      /** The very time of the expiry: seconds since 1970, a whole number. */
      readonly expires: number;
      readonly within?: undefined;
    };

/** How long a signature is valid, and for which version of the object. */
export type Term = Expiry & {
  /**
   * Change it when the content of the object changes: 1 to 64 of `A–Z a–z 0–9 . _ -`. Default: none. Without it,
   * browsers may show the old picture of a replaced object until the URL changes.
   */
  readonly version?: string;
};

/**
 * A time in 2001. A smaller one is a duration by mistake, as in `expires: 3600`: the picture would never be shown. For a
 * cookie, `expires: 1` is right, because it takes the cookie away.
 */
const MIN_URL_EXPIRES = 1_000_000_000;

/** 1 to 64 characters that no URL changes. */
const VERSION = /^[\w.-]{1,64}$/;

/**
 * Makes a function that signs for one site. The function returns the query of an object's URLs at one
 * preset. The query begins with `?`, and it is the same for all descriptors of the preset.
 *
 * The promise rejects with a RangeError if the route does not show the preset or does not lead to the key,
 * if no object can have the key, or if `within`, `expires` (see the route's `max_age`) or `version` is out of range.
 * @param keys the secret URL_SIGNING_KEYS; its first key signs
 * @throws RangeError if the keys cannot be used; the message holds no part of a key
 * @example
 * const privateImages = createClient({
 *   baseUrl: "https://images.example.com",
 *   route: { path: "/private/:preset/*", object: "media/*", signed: true },
 *   presets: { hero: { width: 1920, widths: [640, 960, 1280, 1920] } },
 * });
 * const URL_SIGNING_KEYS = '{"k1": "an-example-of-32-characters-or-more"}';
 * const sign = createSigner(privateImages.site, URL_SIGNING_KEYS);
 *
 * const query = await sign("private/fig.jpg", "hero", { expires: 2_000_000_000 });
 * query;
 * // "?exp=2000000000&kid=k1&sig=6AtVykLpsFJpYXxaJ0iNviY2l4QKGnWkw-ZG6-nyLto"
 * privateImages.imageUrl("private/fig.jpg", "hero@640w", query);
 * // "https://images.example.com/private/hero@640w/private/fig.jpg?exp=2000000000&kid=k1&sig=6AtVykLpsFJpYXxaJ0iNviY2l4QKGnWkw-ZG6-nyLto"
 */
export function createSigner<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  keys: string,
): (key: string, preset: Name, term: Term) => Promise<string> {
  const signingKey = readFirstKey(keys);

  return async (key, preset, term) => {
    const { version } = term;

    // Throws for a name that is no preset, such as `card@2x`.
    requirePreset(site, preset);

    // Throws for a key to which no URL leads. The URL itself is not needed, so "?" will do for its query.
    urlOf(site, key, preset, "?");

    const expires = readExpiry(term, site.route.max_age);
    if (term.expires !== undefined && expires < MIN_URL_EXPIRES) {
      throwRangeError(`${timeFault(expires)}: for a duration, pass within`);
    }

    if (version !== undefined && !VERSION.test(version)) {
      throwRangeError("version must be 1 to 64 of the characters A–Z a–z 0–9 . _ -");
    }

    return signGrant({ route: site.route.path, preset, key, expires, version }, signingKey);
  };
}

/** @throws RangeError if the keys cannot be used */
function readFirstKey(keys: string): SigningKey {
  const faults: string[] = [];
  // Without the types of TypeScript, `keys` may be undefined: an environment variable that is not set.
  const signingKeys = readSigningKeys(keys ?? "", (fault) => faults.push(fault));

  const [first] = signingKeys.values();
  if (!first || faults.length > 0) {
    throwRangeError(`URL_SIGNING_KEYS: ${faults.join("; ")}`);
  }

  return first;
}

/** The latest expiry that the Worker reads: seconds since 1970. A time in milliseconds is larger. */
const MAX_EXPIRES = 999_999_999_999;

/**
 * @param maxAge how far ahead an expiry may be, in seconds. Default: no limit
 * @param now milliseconds since 1970
 * @returns seconds since 1970
 * @throws RangeError if the time is not a whole number, or too far ahead
 */
function readExpiry(
  { within, expires }: Expiry,
  maxAge = Infinity,
  now: number = Date.now(),
): number {
  if (within !== undefined) {
    // Without the types of TypeScript, both may be there.
    if (expires !== undefined) throwRangeError("pass either within or expires, not both");

    // `within` is checked, and not the expiry that follows from it: that one is too far ahead only in a part of each step,
    // so the mistake would show only now and then.
    const isTooLong = within > maxAge;
    if (isTooLong) throwRangeError(tooFarAhead("within", within, maxAge));

    return requireTime(expiresWithin(within, now));
  }

  requireTime(expires);
  const seconds = Math.ceil(expires - now / 1000);
  if (seconds > maxAge) throwRangeError(tooFarAhead("expires", seconds, maxAge));

  return expires;
}

function tooFarAhead(option: string, seconds: number, maxAge: number): string {
  return `${option} is ${seconds} s ahead, and must be at most ${maxAge} s ahead (max_age; for a cookie at most a day)`;
}

/** @throws RangeError if the Worker could not read a time as seconds since 1970 */
function requireTime(expires: number): number {
  if (!Number.isInteger(expires) || expires < 1 || expires > MAX_EXPIRES) {
    throwRangeError(timeFault(expires));
  }

  return expires;
}

function timeFault(expires: number): string {
  return `expires must be in whole seconds since 1970, not ${expires}`;
}

/** What a cookie opens, and who gets it. */
export type CookieTerm = Expiry & {
  /**
   * The beginning of what URLs have in place of `*` in the route's path. With the path `/private/:preset/*`, the prefix
   * `friends/2026/` opens `/private/card/friends/2026/fig.jpg`. It is not encoded, and ends with a slash.
   *
   * It is not the beginning of the key. With the object `media/photos/*`, that URL shows the key
   * `photos/friends/2026/fig.jpg`, and the prefix is still `friends/2026/`.
   */
  readonly prefix: string;
  /**
   * The domain that gets the cookie, with its sub-domains: `example.com`. It is the host of the public URLs, or a domain
   * above it: browsers drop a cookie of any other. Default: only the host that sets the cookie. If your app is on
   * another host than the pictures, they then stay closed.
   */
  readonly domain?: string | undefined;
  /**
   * The host of the public URLs, with its port if that is not the scheme's. Default: that of `baseUrl`. If `baseUrl`
   * has no host (`""` or `/app`), give it here: otherwise the call is a RangeError.
   */
  readonly host?: string | undefined;
};

/** A cookie to set. */
export type SignedCookie = {
  /** `vitrine`. */
  readonly name: string;
  readonly value: string;
  /** As libraries for cookies take them. */
  readonly attributes: {
    /** The path of the route up to its first placeholder: `/private/`. */
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
 * Matches any base URL. Group 1 is the host, group 2 the folder; they have no names, because Next.js checks its apps
 * for ES2017, which has none:
 * - `https://images.example.com/app` has the host `images.example.com` and the folder `/app`
 * - `https://images.example.com` has the folder ""
 * - `/app` has no host and the folder `/app`
 * - "" has no host and the folder ""
 */
const BASE_URL_PARTS = /^(?:https?:\/\/([^/]+))?(.*)$/i;

/**
 * Signs the cookie that opens all pictures below a prefix, at all presets of a route with `cookie = true`. A
 * browser keeps one such cookie for each domain and route. The next one replaces it, and an expired one removes it.
 *
 * The promise rejects with a RangeError if the route has no `cookie: true`, if `prefix`, `domain` or `host` is
 * wrong, if it expires more than 24 hours or the route's `max_age` ahead, or if the keys cannot be used.
 * @param keys the secret URL_SIGNING_KEYS; its first key signs
 * @param now milliseconds since 1970
 * @example
 * const album = createClient({
 *   baseUrl: "https://images.example.com",
 *   route: { path: "/private/:preset/*", object: "media/*", signed: true, cookie: true },
 *   presets: { card: { width: 480 } },
 * });
 * const URL_SIGNING_KEYS = '{"k1": "an-example-of-32-characters-or-more"}';
 * const now = 1_999_996_400_000;
 * const term = { prefix: "friends/", expires: 2_000_000_000, domain: "example.com" };
 *
 * const { header } = await signCookie(album.site, URL_SIGNING_KEYS, term, now);
 * header;
 * // "vitrine=2000000000.k1.ZnJpZW5kcy8.1tapCgpeZ1gCbBe-JVlnDlS1--Abpvx8L1HWPSKtgB0; Path=/private/; Domain=example.com; Expires=Wed, 18 May 2033 03:33:20 GMT; Secure; HttpOnly; SameSite=Lax"
 */
export async function signCookie(
  site: AnySite,
  keys: string,
  term: CookieTerm,
  now: number = Date.now(),
): Promise<SignedCookie> {
  const { route } = site;
  const { prefix, domain } = term;
  const signingKey = readFirstKey(keys);

  if (!route.cookie) throwRangeError(`route ${route.path} has no cookie = true in wrangler.toml`);
  checkPrefix(prefix, site);

  let maxAge = MAX_COOKIE_AGE;
  if (route.max_age !== undefined) maxAge = Math.min(route.max_age, MAX_COOKIE_AGE);
  const expires = readExpiry(term, maxAge, now);

  const baseUrlParts = BASE_URL_PARTS.exec(site.base);
  const host = term.host ?? baseUrlParts?.[1];
  if (host === undefined) throwRangeError("baseUrl has no host: pass { host }");

  checkHost(host);
  if (domain !== undefined) checkDomain(domain, host);

  const value = await signCookieGrant({ host, route: route.path, prefix, expires }, signingKey);

  // Browsers send the cookie with all paths below this one: the route's path up to its first placeholder. The parts of
  // `/private/:preset/*` are `/private/`, `:preset`, `/`, `*` and "".
  const folder = baseUrlParts?.[2] ?? "";
  const [fixedPath = "/"] = site.mapping.path.parts;
  const path = folder + encodePath(fixedPath);
  const expiryDate = new Date(expires * 1000);

  const scope = domain ? `Path=${path}; Domain=${domain}` : `Path=${path}`;
  const flags = `Expires=${expiryDate.toUTCString()}; Secure; HttpOnly; SameSite=Lax`;
  return {
    name: COOKIE,
    value,
    header: `${COOKIE}=${value}; ${scope}; ${flags}`,
    attributes: {
      path,
      ...(domain && { domain }),
      expires: expiryDate,
      secure: true,
      httpOnly: true,
      sameSite: "lax",
    },
  };
}

/** @throws RangeError if no text for `*` of the route's path begins with the prefix, or most likely none should */
function checkPrefix(prefix: string, { mapping }: AnySite): void {
  const fault = prefixFault(prefix);
  const shortened = prefix.slice(0, 99);
  if (fault) throwRangeError(`invalid prefix "${shortened}": ${fault}`);

  // The object `media/photos/*` has the key pattern `photos/*`, with the parts `photos/`, `*` and "". The route puts
  // `photos/` before the text of `*`, so a prefix that begins with it, too, is most likely a mistake. For `media/*`,
  // the first part is "".
  const [keyPrefix] = mapping.key.parts;
  if (keyPrefix && prefix.startsWith(keyPrefix)) {
    throwRangeError(`prefix "${shortened}": leave out "${keyPrefix}", which the route adds`);
  }
}

/** @throws RangeError if a URL spells the host differently: the Worker compares the signed host with that of the URL */
function checkHost(host: string): void {
  const url = `https://${host}`;
  const isHost = URL.canParse(url) && new URL(url).host === host;
  if (!isHost) throwRangeError(`"${host}" is not a host in a URL`);
}

/** @throws RangeError if browsers drop a cookie of the domain that comes from the host */
function checkDomain(domain: string, host: string): void {
  const hostname = host.replace(/:\d+$/, "");
  // Because of the dots, `ample.com` is not above `example.com`.
  const isAbove = `.${hostname}`.endsWith(`.${domain}`);
  if (!isAbove) {
    throwRangeError(
      `domain "${domain}" is neither ${host} nor above it: small letters, no dot first`,
    );
  }
}

/**
 * Returns the expiry that `within` of a term stands for: in at most `seconds`, and in at least half of that. It stays the
 * same for half of `seconds`: with an hour, it is 13:00 for all calls from 12:00 to 12:30, and then 13:30. So a page that
 * is rendered again has the same URLs, and browsers find the pictures in their caches.
 *
 * To sign, pass `within`, and not this time: a time does not tell whether it was made of more seconds than the route's
 * `max_age`.
 * @param seconds a whole number from 2 on
 * @param now milliseconds since 1970
 * @returns seconds since 1970
 * @throws RangeError if `seconds` is not a whole number, or is less than 2
 * @example
 * expiresWithin(3600, Date.UTC(2026, 0, 1, 12, 10));
 * // 1767272400
 * new Date(expiresWithin(3600, Date.UTC(2026, 0, 1, 12, 10)) * 1000).toISOString();
 * // "2026-01-01T13:00:00.000Z"
 */
export function expiresWithin(seconds: number, now: number = Date.now()): number {
  if (!Number.isInteger(seconds) || seconds < 2) {
    throwRangeError(`seconds must be a whole number from 2 on, not ${seconds}`);
  }

  // Time since 1970 is cut into steps of half of `seconds`. With an hour, the step of 12:10 began at 12:00.
  const step = Math.floor(seconds / 2);
  const earlierSteps = Math.floor(now / 1000 / step);
  const stepStart = earlierSteps * step;
  return stepStart + seconds;
}
