// The attributes of an <img>. It never touches the page: it returns plain values.

import { dimensionsOf } from "./dimensions.ts";
import { shownPreset, srcset, urlOf } from "./site.ts";
import type { ImgOptions, ImgProps, PresetTable, Site } from "./types.ts";

/**
 * Returns the attributes of an `<img>` for one object at one preset. Set them in this order: a browser may
 * start to load when `srcset` or `src` is set, so `loading` and `sizes` come first.
 * @throws RangeError if the route does not show the preset or does not lead to the key, or if no object
 *   can have the key
 * @example
 * imgProps(images.site, "photos/fig.jpg", "hero", { alt: "A fig", sizes: "50vw" });
 * // { alt, loading, decoding, sizes, srcset, src }, and width and height if they are known
 */
export function imgProps<
  Presets extends PresetTable,
  Name extends keyof Presets & string,
  Preset extends Name,
>(
  site: Site<Presets, Name>,
  key: string,
  preset: Preset,
  { alt, sizes = "100vw", loading = "lazy", original, query }: ImgOptions<Presets[Preset]>,
): ImgProps {
  const { shape } = shownPreset(site, preset);
  return {
    alt,
    loading,
    decoding: "async",
    ...dimensionsOf(shape, original),
    ...(shape.widths && { sizes }),
    srcset: srcset(site, key, preset, query),
    src: urlOf(site, key, preset, query),
  };
}

/**
 * Returns the same attributes by the names that React uses.
 * @example
 * <img {...reactProps(fig)} alt={fig.alt} />
 */
export function reactProps({ srcset, ...props }: ImgProps) {
  return { srcSet: srcset, ...props };
}
