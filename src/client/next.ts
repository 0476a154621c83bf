import { urlAsked } from "./asked.ts";
import { shownIn } from "./site.ts";
import type { AnySite, PresetTable, Site } from "./types.ts";

/**
 * The loader of next/image for one site, for `images.loaderFile`. Next.js asks for a width alone, so the
 * preset stands in `src`, as `nextSrc` writes it; `quality` is the preset's own.
 */
export function nextLoader(site: AnySite) {
  return ({ src, width }: { readonly src: string; readonly width: number }): string => {
    const end = src.indexOf(":");
    const asked = { key: src.slice(end + 1), preset: src.slice(0, Math.max(end, 0)), width };
    return urlAsked(site, asked, "write src={nextSrc(images.site, key, preset)} with a preset");
  };
}

/**
 * The `src` of a next/image: `hero:photos/fig.jpg`.
 * @throws RangeError for a preset that the route does not show
 */
export function nextSrc<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
  key: string,
  preset: NoInfer<Name>,
): string {
  shownIn(site, preset);
  return `${preset}:${key}`;
}
