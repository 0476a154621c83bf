import { attributesOf } from "./dimensions.ts";
import { shownIn, srcset, urlOf } from "./site.ts";
import type { ImgOptions, ImgProps, PresetTable, Site } from "./types.ts";

/** The attributes of an `<img>`, in the order in which browsers are to learn of them. */
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
  const { shape } = shownIn(site, preset);
  return {
    alt,
    loading,
    decoding: "async",
    ...attributesOf(shape, original),
    ...(shape.widths && { sizes }),
    srcset: srcset(site, key, preset, query),
    src: urlOf(site, key, preset, query),
  };
}

/** The same attributes by the names that React has for them. */
export function reactProps({ srcset, ...props }: ImgProps) {
  return { srcSet: srcset, ...props };
}
