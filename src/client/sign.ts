// vitrine/sign: signed public URLs, wherever there is WebCrypto: Node.js 20, Workers, Deno, Bun. It signs
// with the very function that the Worker checks by. For servers: who has the keys can sign anything.

import { readSigningKeys, signGrant } from "../url/grant.ts";
import { shownIn, urlOf } from "./site.ts";
import type { PresetTable, Site } from "./types.ts";

/** How long what is signed is good for. */
export type Term = {
  /** When it expires: seconds since 1970. See `expiresWithin`. */
  readonly expires: number;
  /** Another one for each content of the object: 1 to 64 of `A–Z a–z 0–9 . _ -`. */
  readonly version?: string;
};

const VERSION = /^[\w.-]{1,64}$/;
const LATEST = 999_999_999_999; // what the Worker reads; milliseconds are more

/**
 * A function that signs for one site. It gives the query of an object's URLs at one preset, the same for
 * all of its descriptors: `images.imgProps(key, "hero", { alt, sizes, query: await sign(key, "hero", term) })`.
 * @param keys the secret URL_SIGNING_KEYS, of which the first key signs
 * @throws RangeError where the keys cannot be used. What cannot be signed, as a key that the route does
 *   not lead to, a term in milliseconds or a preset that it does not show, rejects with one
 */
export function createSigner<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  keys: string,
): (key: string, preset: Name, term: Term) => Promise<string> {
  const faults: string[] = [];
  const [first] = readSigningKeys(keys, (fault) => faults.push(fault)).values();
  if (faults.length > 0 || first === undefined) {
    throw new RangeError(`Vitrine: URL_SIGNING_KEYS ${faults.join("; ")}`);
  }
  return async (key, preset, { expires, version }) => {
    shownIn(site, preset); // not a variant
    urlOf(site, key, preset);
    if (!Number.isInteger(expires) || expires < 1 || expires > LATEST) {
      throw new RangeError(`Vitrine: expires is ${expires}, and not in seconds since 1970`);
    }
    if (version !== undefined && !VERSION.test(version)) {
      throw new RangeError("Vitrine: a version is 1 to 64 letters, digits, dots, - and _");
    }
    return signGrant({ route: site.route.path, preset, key, expires, version }, first);
  };
}

/**
 * When to let URLs expire that are to be good for so long at most, and for half of it at least. It goes
 * in steps, so that a page that is made again has the same URLs, and browsers keep the pictures.
 * @param seconds a whole number, 2 or more; a little less than the route's `max_age`, since clocks differ
 * @param now milliseconds since 1970
 * @returns seconds since 1970
 */
export function expiresWithin(seconds: number, now: number = Date.now()): number {
  if (!Number.isInteger(seconds) || seconds < 2) {
    throw new RangeError(`Vitrine: ${seconds} is no whole number of seconds from 2 on`);
  }
  const step = Math.floor(seconds / 2);
  return Math.floor(now / 1000 / step) * step + seconds;
}
