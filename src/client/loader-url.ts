// Builds the URL that answers a loader of a framework's image component. It never guesses a preset: a
// missing or unknown one is an error that says what to write.

import { readSrc } from "./signed-src.ts";
import { fail, urlForWidth, urlOf } from "./site.ts";
import type { AnySite } from "./types.ts";

/** What an image component asks its loader for. Frameworks do not check these values. */
type LoaderRequest = {
  /** A key, or what `signedSrc` returns. */
  readonly src: string;
  readonly preset: unknown;
  /** Pixels. Anything but a number above 0 means the preset itself. */
  readonly width: unknown;
};

/** The site of the keys, and that of the signed `src`s. */
type LoaderSites = { readonly open: AnySite; readonly signed: AnySite };

/**
 * Returns the URL of the preset's smallest variant that is wide enough, or of its widest.
 * @param how what the app has to write to name a preset; part of the error message
 * @throws RangeError if the route does not show the preset, if no object can have the key, if `src` has a
 *   query that does not sign, or if it has none and the route is signed
 */
export function loaderUrl(
  sites: LoaderSites,
  { src, preset, width }: LoaderRequest,
  how: string,
): string {
  const { key, query } = readSrc(src);
  const site = query === undefined ? sites.open : sites.signed;
  const names = [...site.shown.keys()];
  const name = names.find((one) => one === preset);
  if (name === undefined) {
    const fault = preset ? `unknown preset "${preset}"` : "no preset";
    const known = `one of the presets ${names.join(", ")}`;
    return fail(`${fault} for "${key}": ${how} with ${known}`);
  }
  const { route } = site;
  if (route.signed && query === undefined) {
    fail(
      `route ${route.path} is signed: its src is what signedSrc or nextSrc returns with a query`,
    );
  }
  return Number(width) > 0
    ? urlForWidth(site, key, name, Number(width), query)
    : urlOf(site, key, name, query);
}
