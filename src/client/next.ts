// The loader for next/image. It ignores qualities and formats: the preset of Vitrine, a named set of options in
// wrangler.toml, sets them.

import { loaderUrl, signedSrc } from "./loader-url.ts";
import { needsQuery, requirePreset, throwRangeError } from "./site.ts";
import type { AnySite, PresetTable, Site } from "./types.ts";

/**
 * Matches the preset and the colon at the beginning of a `src`: `hero:` in `hero:photos/fig.jpg`. It does not match
 * `photos/fig:1.jpg`, whose colon belongs to the key, or `?exp=…`, the query that signs.
 */
const PRESET = /^([^/?:]*):/;

/**
 * Makes the loader of next/image. Next.js passes only a `src` and a width, so the preset is part of `src`, as in
 * `hero:photos/fig.jpg`: write it with `nextSrc`. `quality` is ignored.
 *
 * Next.js has one loader for all images: give it the site of each route that the app uses. It takes the first
 * one that shows the preset and leads to the key. For a `src` with a query, only signed routes count. For any other
 * `src`, only routes count that are not signed, or that a cookie opens.
 *
 * The loader throws a RangeError if `src` names no preset of these routes, if none of them leads to its key, or
 * if no object can have the key.
 * @example
 * // vitrine-loader.ts, the file that `images.loaderFile` in next.config.ts names
 * export default nextLoader(images.site, avatars.site, privateImages.site);
 *
 * // what Next.js asks it for
 * nextLoader(images.site)({ src: "hero:photos/fig.jpg", width: 700 });
 * // "https://images.example.com/images/hero@960w/photos/fig.jpg"
 */
export function nextLoader(...sites: readonly [AnySite, ...AnySite[]]) {
  return ({ src, width }: { readonly src: string; readonly width: number }): string => {
    const preset = PRESET.exec(src)?.[1];
    const keyOrSignedSrc = src.replace(PRESET, "");

    const request = { src: keyOrSignedSrc, preset, width };
    return loaderUrl(sites, request, "write src={nextSrc(images.site, key, preset)}");
  };
}

/**
 * Returns the `src` of a next/image.
 * @param options.query on a signed route, the query that `createSigner`'s function returns. A Server Component or a
 *   route handler signs: the page then holds the query, and no key. Default: none, which is a RangeError on a signed
 *   route that no cookie opens
 * @throws RangeError if the route does not show the preset, if `query` is not one that signs, or if the
 *   route is signed and there is none
 * @example
 * nextSrc(images.site, "photos/fig.jpg", "hero");
 * // "hero:photos/fig.jpg"
 *
 * <Image src={nextSrc(images.site, "photos/fig.jpg", "hero")} sizes="100vw" fill alt="A fig" />
 *
 * // privateImages and sign: see the example of createSigner
 * const query = await sign("private/fig.jpg", "hero", { expires: 2_000_000_000 });
 * nextSrc(privateImages.site, "private/fig.jpg", "hero", { query });
 * // "hero:?exp=2000000000&kid=k1&sig=6AtVykLpsFJpYXxaJ0iNviY2l4QKGnWkw-ZG6-nyLto//private/fig.jpg"
 */
export function nextSrc<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  key: string,
  preset: NoInfer<Name>,
  { query }: { readonly query?: string | undefined } = {},
): string {
  requirePreset(site, preset);
  if (needsQuery(site.route) && query === undefined) {
    throwRangeError(`route ${site.route.path} is signed: pass { query }`);
  }

  const src = query === undefined ? key : signedSrc(key, query);
  return `${preset}:${src}`;
}
