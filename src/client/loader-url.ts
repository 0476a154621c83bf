// The URL that a loader returns to the image component of a framework. The component passes a `src` and a width on to
// its loader, and no query. So the `src` of a signed picture is `?exp=…&kid=…&sig=…//photos/fig.jpg`: the query that
// signs, then `//`, then the key. No key holds `//`, so no key looks like such a `src`.
// No message holds a part of a signature: whoever has it can see the picture.

import { writePath } from "../url/grammar.ts";
import { keyFault } from "../url/key.ts";
import { needsQuery, throwRangeError, urlForWidth, urlOf } from "./site.ts";
import type { AnySite, PresetTable, Site } from "./types.ts";

/**
 * A query as `createSigner`'s function returns it: `?exp=2000000000&kid=k1&v=7&sig=…`. `v` is the object's version, if
 * it was signed with one. The query holds no slash.
 */
const SIGNED_QUERY =
  /^\?exp=[1-9]\d{0,11}&kid=[A-Za-z][\w-]{0,31}(?:&v=[\w.-]{1,64})?&sig=[\w-]{43}$/;

/**
 * Returns the `src` of a signed picture for Nuxt Image, unpic and Angular. For next/image, use `nextSrc`. The loader
 * puts the query on each URL, so the page needs no signing key.
 * @param key the object's key in its bucket, below the bucket's `prefix`
 * @param query the query that `createSigner`'s function returns for this key and the preset of the picture
 * @throws RangeError if `query` is not such a query, or if the key is empty
 * @example
 * // privateImages and sign: see the example of createSigner
 * const query = await sign("private/fig.jpg", "hero", { expires: 2_000_000_000 });
 * signedSrc("private/fig.jpg", query);
 * // "?exp=2000000000&kid=k1&sig=6AtVykLpsFJpYXxaJ0iNviY2l4QKGnWkw-ZG6-nyLto//private/fig.jpg"
 */
export function signedSrc(key: string, query: string): string {
  if (!SIGNED_QUERY.test(query)) {
    throwRangeError("query must be what the function of createSigner returns");
  }

  requireKey(key);

  return `${query}//${key}`;
}

/**
 * The loader checks the rest of the key. Here, a wrong key may hold a signature, which no message may have.
 * @throws RangeError if the key is empty or, in an app without types, undefined or null
 */
export function requireKey(key: string): void {
  if (!key) throwRangeError(`invalid key "${key}": an empty segment`);
}

/**
 * Returns the key and the query of a loader's `src`, which is a key or what `signedSrc` returns.
 * @throws RangeError if it holds `//`, but is not what `signedSrc` returns
 */
export function readSrc(src: string): { readonly key: string; readonly query?: string } {
  const slashes = src.indexOf("//");
  if (slashes < 0) return { key: src };

  const query = src.slice(0, slashes);
  const key = src.slice(slashes + 2);
  const isSigned = SIGNED_QUERY.test(query) && !key.includes("//");
  if (!isSigned) {
    throwRangeError("no key holds //, and this src is not what signedSrc or nextSrc returns");
  }

  return { key, query };
}

/** What an image component asks its loader for. Frameworks do not check these values. */
type LoaderRequest = {
  /** A key, or what `signedSrc` returns. */
  readonly src: string;
  readonly preset: unknown;
  /** Pixels. Anything but a number above 0 means the preset itself. */
  readonly width: unknown;
};

/**
 * Returns the URL of the preset's smallest variant that is wide enough, or of its widest. It belongs to the
 * first site that shows the preset and leads to the key. If `src` has a query, only signed sites count, otherwise
 * only sites that need none. A missing or unknown preset is never guessed: the error says what to write.
 * @param advice what the app has to write to name a preset; part of the error message
 * @throws RangeError if there is no such site, if no object can have the key, or if `src` has a query that does
 *   not sign
 */
export function loaderUrl(
  sites: readonly AnySite[],
  { src, preset, width }: LoaderRequest,
  advice: string,
): string {
  const { key, query } = readSrc(src);
  const usableSites = sitesFor(sites, key, query);
  const { site, preset: name } = findSite(usableSites, key, preset, advice);

  const pixels = Number(width);
  if (pixels > 0) return urlForWidth(site, key, name, pixels, query);

  return urlOf(site, key, name, query);
}

/** Returns the signed sites if there is a query, else those that need none. @throws RangeError if there are none */
function sitesFor(sites: readonly AnySite[], key: string, query?: string): readonly AnySite[] {
  if (query !== undefined) {
    const signedSites = sites.filter(({ route }) => route.signed);
    if (signedSites.length === 0) {
      throwRangeError(
        `"${key}" is signed, and no route of the loader is: give it the site of the signed route`,
      );
    }

    return signedSites;
  }

  // These are the routes without signatures, and the signed ones that a cookie opens, too.
  const openSites = sites.filter(({ route }) => !needsQuery(route));
  if (openSites.length === 0) {
    throwRangeError(
      `each route of the loader is signed: the src of "${key}" is what signedSrc or nextSrc returns with a query`,
    );
  }

  return openSites;
}

/**
 * Returns the first site that shows the preset and leads to the key, and the preset. A site leads to a key if the
 * pattern in the `object` of its route fits the key.
 * @param advice as for `loaderUrl`
 * @throws RangeError if there is no such site, or if no object can have the key
 */
export function findSite<Name extends string>(
  sites: readonly Site<PresetTable, Name>[],
  key: string,
  preset: unknown,
  advice: string,
): { readonly site: Site<PresetTable, Name>; readonly preset: Name } {
  // The names of the presets that the sites show, each once. The keys of `shown` are the same names, but have the type
  // string. The values of `variants` (variant → name of its preset) have the type Name.
  const variantsOfSites = sites.flatMap(({ variants }) => [...variants.values()]);
  const names = [...new Set(variantsOfSites)];

  // `find`, because `includes` would not give `preset` the type Name.
  const name = names.find((presetName) => presetName === preset);
  if (name === undefined) {
    const presetFault = preset ? `unknown preset "${preset}"` : "no preset";
    const choice = names.join(", ");
    throwRangeError(`${presetFault} for "${key}": ${advice} with one of the presets ${choice}`);
  }

  const fault = keyFault(key);
  if (fault) throwRangeError(`invalid key "${key}": ${fault}`);

  const showingSites = sites.filter((site) => site.shown.has(name));
  const site = showingSites.find(({ mapping }) => {
    // The preset alone is one of its variants.
    const path = writePath(mapping, { variant: name, key });
    return path !== undefined;
  });
  if (!site) {
    const paths = showingSites.map(({ route }) => route.path).join(", ");
    throwRangeError(`no route of the loader that shows "${name}" leads to "${key}": ${paths}`);
  }

  return { site, preset: name };
}
