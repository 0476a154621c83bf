// Builds the URL that answers a loader of a framework's image component. It never guesses a preset: a
// missing or unknown one is an error that says what to write.

import { writePath } from "../url/grammar.ts";
import { keyFault } from "../url/key.ts";
import { readSrc } from "./signed-src.ts";
import { fail, needsQuery, urlForWidth, urlOf } from "./site.ts";
import type { AnySite, PresetTable, Site } from "./types.ts";

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
 * @param how as above
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
  const showing = sites.filter(({ shown }) => shown.has(name));
  const site = showing.find(({ mapping }) => writePath(mapping, { variant: name, key }));
  if (site !== undefined) return { site, preset: name };
  const paths = showing.map(({ route }) => route.path).join(", ");
  return fail(`no route of the loader that shows "${name}" leads to "${key}": ${paths}`);
}
