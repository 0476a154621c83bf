// The transformer for unpic's image components. From the operations that unpic asks for, it reads only the width. The
// preset of Vitrine, a named set of options in wrangler.toml, sets all others.

import { loaderUrl } from "./loader-url.ts";
import type { PresetTable, Site } from "./types.ts";

/**
 * Makes the transformer of unpic's components. The component names the preset in `options`. A height, a quality
 * or a format is ignored: the preset sets them.
 *
 * Give it the site of each route that the app uses. It takes the first one that shows the preset and leads to
 * the object's key. On a signed route, the `src` of a picture is what `signedSrc` returns. The server signs, so the
 * page holds only the query, and never a signing key.
 *
 * The transformer throws a RangeError if `options` names no preset that these sites show, if no site that shows it
 * leads to the object's key, or if no object can have that key.
 * @example
 * const transformer = unpicTransformer(images.site);
 * <Image transformer={transformer} options={{ preset: "hero" }} src="photos/fig.jpg" layout="fullWidth" />
 *
 * // what the component asks it for
 * transformer("photos/fig.jpg", { width: 700 }, { preset: "hero" });
 * // "https://images.example.com/images/hero@960w/photos/fig.jpg"
 */
export function unpicTransformer<Name extends string>(
  ...sites: readonly [Site<PresetTable, Name>, ...Site<PresetTable, Name>[]]
) {
  return (
    src: string | URL,
    { width }: { readonly width?: number | string },
    options?: { readonly preset: Name },
  ): string => {
    const request = { src: `${src}`, preset: options?.preset, width };
    const advice = "write options={{ preset }}";
    return loaderUrl(sites, request, advice);
  };
}
