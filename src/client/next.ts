import { urlForWidth } from "./site.ts";
import type { AnySite, PresetTable, Site } from "./types.ts";

/**
 * The loader of next/image for one site, for `images.loaderFile`. Next.js asks for a width alone, so the
 * preset stands in `src`, as `nextSrc` writes it; `quality` is the preset's own.
 */
export function nextLoader(site: AnySite) {
  return ({ src, width }: { readonly src: string; readonly width: number }): string => {
    const [preset = ""] = src.split(":", 1);
    return urlForWidth(site, src.slice(preset.length + 1), preset, width);
  };
}

/** The `src` of a next/image: `hero:photos/fig.jpg`. */
export function nextSrc<Presets extends PresetTable, Name extends keyof Presets & string>(
  _site: Site<Presets, Name>,
  key: string,
  preset: Name,
): string {
  return `${preset}:${key}`;
}
