// vitrine/sign: signs public URLs wherever WebCrypto exists: Node.js 20, Workers, Deno, Bun. For servers
// only: whoever has the keys can sign any URL. It shares the signing code with the Worker, and it never
// prints or stores a key.

import { readSigningKeys, signGrant } from "../url/grant.ts";
import { fail, shownPreset, urlOf } from "./site.ts";
import type { PresetTable, Site } from "./types.ts";

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
 * if no object can have the key, or if `expires` or `version` is out of range.
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
  const faults: string[] = [];
  const given = keys ?? ""; // in JavaScript, a variable that is not set is undefined
  const [first] = readSigningKeys(given, (fault) => faults.push(fault)).values();
  if (faults.length > 0 || first === undefined) {
    return fail(`URL_SIGNING_KEYS: ${faults.join("; ")}`);
  }
  return async (key, preset, { expires, version }) => {
    shownPreset(site, preset); // a variant such as card@2x is not a preset
    urlOf(site, key, preset, "?"); // throws if the route does not lead to the key
    if (!Number.isInteger(expires) || expires < 1 || expires > LATEST) {
      fail(`expires must be in whole seconds since 1970, not ${expires}`);
    }
    if (version !== undefined && !VERSION.test(version)) {
      fail("version must be 1 to 64 of the characters A–Z a–z 0–9 . _ -");
    }
    return signGrant({ route: site.route.path, preset, key, expires, version }, first);
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
