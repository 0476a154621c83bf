// The loader for next/image. It ignores qualities and formats: the preset sets them.

import { loaderUrl, signedSrc } from "./loader-url.ts";
import { fail, needsQuery, requirePreset } from "./site.ts";
import type { AnySite, PresetTable, Site } from "./types.ts";

/**
 * Makes the loader of next/image. Next.js passes only a `src` and a width, so the preset is part of `src`:
 * write it with `nextSrc`. `quality` is ignored.
 *
 * Next.js has one loader for all images: give it the site of each route that the app uses. It takes the first
 * one that shows the preset and leads to the key. A `src` with a query belongs to the signed routes, any other
 * `src` to the others and to those that a cookie opens.
 *
 * The loader throws a RangeError if `src` names no preset of these routes, if none of them leads to its key, or
 * if no object can have the key.
 * @example
 * // vitrine-loader.ts, the file that `images.loaderFile` in next.config.ts names
 * export default nextLoader(images.site, avatars.site, privateImages.site);
 */
export function nextLoader(...sites: readonly [AnySite, ...AnySite[]]) {
  return ({ src, width }: { readonly src: string; readonly width: number }): string => {
    const [before = "", preset] = /^([^/?:]*):/.exec(src) ?? []; // a key may have a colon after a slash, and a query before it
    const request = { src: src.slice(before.length), preset, width };
    return loaderUrl(sites, request, "write src={nextSrc(images.site, key, preset)}");
  };
}

/**
 * Returns the `src` of a next/image, for example `hero:photos/fig.jpg`.
 * @param query on a signed route, the query that `createSigner`'s function returns. A Server Component or a
 *   route handler signs: the page then holds the query, and no key.
 * @throws RangeError if the route does not show the preset, if `query` is not one that signs, or if the
 *   route is signed and there is none
 * @example
 * <Image src={nextSrc(images.site, "photos/fig.jpg", "hero")} sizes="100vw" fill alt="A fig" />
 *
 * const src = nextSrc(privateImages.site, key, "hero", { query: await sign(key, "hero", term) });
 */
export function nextSrc<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  key: string,
  preset: NoInfer<Name>,
  { query }: { readonly query?: string | undefined } = {},
): string {
  requirePreset(site, preset);
  if (needsQuery(site.route) && query === undefined)
    fail(`route ${site.route.path} is signed: pass { query }`);
  return `${preset}:${query === undefined ? key : signedSrc(key, query)}`;
}
