// The loader for next/image. It ignores qualities and formats: the preset of Vitrine, a named set of options in
// wrangler.toml, sets them.

import { loaderUrl, requireKey, signedSrc } from "./loader-url.ts";
import { needsQuery, requirePreset, throwRangeError } from "./site.ts";
import type { AnySite, PresetTable, Site } from "./types.ts";

/**
 * Matches the preset and the colon at the beginning of a `src`: `hero:` in `hero:photos/fig.jpg`. It does not match
 * `photos/fig:1.jpg`, whose colon belongs to the key, or `?exp=…`, the query that signs. Of `fig:1.jpg`, a key without
 * a preset, it matches `fig:`: the loader throws then, because no site shows that preset.
 */
const PRESET = /^([^/?:]*):/;

/**
 * Makes the loader of next/image. Next.js passes only a `src` and a width, so the preset is part of `src`, as in
 * `hero:photos/fig.jpg`: write it with `nextSrc`. `quality` is ignored.
 *
 * Next.js has one loader for all images: give it the site of each route that the app uses. It takes the first
 * one that shows the preset and leads to the object's key. With a query in `src`, it takes only signed routes. Without
 * one, it takes only routes that need none: they are not signed, or a cookie opens them.
 *
 * The loader throws a RangeError if `src` names no preset that these sites show, if no site that shows it leads to the
 * object's key, or if no object can have that key.
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
    const advice = "write src={nextSrc(images.site, key, preset)}";
    return loaderUrl(sites, request, advice);
  };
}

/**
 * Returns the `src` of a next/image.
 * @param options.query on a signed route, the query that `createSigner`'s function returns. A Server Component or a
 *   route handler signs, so the page holds only the query, and never a signing key. Default: none, which is a
 *   RangeError on a signed route that no cookie opens
 * @throws RangeError if the route does not show the preset, if the key is empty, if `query` is not one that signs, or if
 *   the route is signed and there is none
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
 * // `//` ends the query, and the key `private/fig.jpg` follows
 */
export function nextSrc<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  key: string,
  preset: NoInfer<Name>,
  { query }: { readonly query?: string | undefined } = {},
): string {
  requirePreset(site, preset);
  requireKey(key);
  if (needsQuery(site.route) && query === undefined) {
    throwRangeError(`route ${site.route.path} is signed: pass { query }`);
  }

  const src = query === undefined ? key : signedSrc(key, query);
  return `${preset}:${src}`;
}
