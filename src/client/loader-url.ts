// The URLs that answer the loader of a framework's image component, and the `src` of a signed picture that it takes: the
// query that signs, then `//`, then the key. No key holds `//`, so no key is taken for such a `src`. It never guesses a
// preset: a missing or unknown one is an error that says what to write. No message holds a part of a signature.

import { writePath } from "../url/grammar.ts";
import { keyFault } from "../url/key.ts";
import { fail, needsQuery, urlForWidth, urlOf } from "./site.ts";
import type { AnySite, PresetTable, Site } from "./types.ts";

/** A query as `createSigner`'s function returns it. It holds no slash. */
const SIGNED_QUERY =
  /^\?exp=[1-9]\d{0,11}&kid=[A-Za-z][\w-]{0,31}(?:&v=[\w.-]{1,64})?&sig=[\w-]{43}$/;

/**
 * Returns the `src` of a signed picture for Nuxt Image and unpic. For next/image, use `nextSrc`. The loader
 * puts the query on each URL, so the page needs no key.
 * @param key the object's key in its bucket, below the bucket's `prefix`
 * @param query the query that `createSigner`'s function returns for this key and the preset of the picture
 * @throws RangeError if `query` is not such a query
 * @example
 * const query = await sign("private/fig.jpg", "hero", { expires: expiresWithin(3600) });
 * signedSrc("private/fig.jpg", query); // "?exp=…&kid=…&sig=…//private/fig.jpg"
 */
export function signedSrc(key: string, query: string): string {
  if (SIGNED_QUERY.test(query)) return `${query}//${key}`;
  return fail("query must be what the function of createSigner returns");
}

/**
 * Returns the key and the query of a loader's `src`. A key alone has no query.
 * @throws RangeError if it holds `//`, but not once and after a query that signs
 */
export function readSrc(src: string): { readonly key: string; readonly query?: string } {
  const [query = "", key, ...more] = src.split("//");
  if (key === undefined) return { key: src };
  if (SIGNED_QUERY.test(query) && more.length === 0) return { key, query };
  return fail("no key holds //, and this src is not what signedSrc or nextSrc returns");
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
 * first site that shows the preset and leads to the key: a signed one if `src` has a query, else one that needs none.
 * @param how what the app has to write to name a preset; part of the error message
 * @throws RangeError if there is no such site, if no object can have the key, or if `src` has a query that does
 *   not sign
 */
export function loaderUrl(
  sites: readonly AnySite[],
  { src, preset, width }: LoaderRequest,
  how: string,
): string {
  const { key, query } = readSrc(src);
  const isSigned = query !== undefined;
  const candidates = sites.filter(({ route }) => (isSigned ? route.signed : !needsQuery(route)));
  if (candidates.length === 0) {
    fail(
      isSigned
        ? `"${key}" is signed, and no route of the loader is: give it the site of the signed route`
        : `each route of the loader is signed: the src of "${key}" is what signedSrc or nextSrc returns with a query`,
    );
  }
  const { site, preset: name } = findSite(candidates, key, preset, how);
  return Number(width) > 0
    ? urlForWidth(site, key, name, Number(width), query)
    : urlOf(site, key, name, query);
}

/**
 * Returns the first site that shows the preset and leads to the key, and the preset.
 * @param how as for `loaderUrl`
 * @throws RangeError if there is no such site, or if no object can have the key
 */
export function findSite<Name extends string>(
  sites: readonly Site<PresetTable, Name>[],
  key: string,
  preset: unknown,
  how: string,
): { readonly site: Site<PresetTable, Name>; readonly preset: Name } {
  const names = [...new Set(sites.flatMap(({ variants }) => [...variants.values()]))];
  const name = names.find((one) => one === preset);
  if (name === undefined) {
    const fault = preset ? `unknown preset "${preset}"` : "no preset";
    return fail(`${fault} for "${key}": ${how} with one of the presets ${names.join(", ")}`);
  }
  const fault = keyFault(key);
  if (fault) fail(`invalid key "${key}": ${fault}`);
  const showing = sites.filter((one) => one.shown.has(name));
  const site = showing.find(({ mapping }) => writePath(mapping, { variant: name, key }));
  if (site !== undefined) return { site, preset: name };
  const paths = showing.map(({ route }) => route.path).join(", ");
  return fail(`no route of the loader that shows "${name}" leads to "${key}": ${paths}`);
}
