// The transformer for unpic's image components. Of the operations it uses the width alone.

import { loaderUrl } from "./loader-url.ts";
import type { AnySite, PresetTable, Site } from "./types.ts";

/**
 * Makes the transformer of unpic's components for one site. The component names the preset in `options`.
 * A height, a quality or a format is ignored: the preset sets them.
 *
 * On a signed route, the `src` of a picture is what `signedSrc` returns. The server signs: the page then
 * holds the query, and no key. If an app has such a route and an open one, give the transformer both sites:
 * it uses `signed` for each `src` with a query.
 *
 * The transformer throws a RangeError if no preset of the route is named, or if no object can have the key.
 * @example
 * const transformer = unpicTransformer(images.site);
 * <Image transformer={transformer} options={{ preset: "hero" }} src="photos/fig.jpg" layout="fullWidth" />
 */
export function unpicTransformer<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  signed: AnySite = site,
) {
  return (
    src: string | URL,
    { width }: { readonly width?: number | string },
    options?: { readonly preset: Name },
  ): string => {
    const asked = { src: `${src}`, preset: options?.preset, width };
    return loaderUrl({ open: site, signed }, asked, "write options={{ preset }}");
  };
}
