// The provider and the presets for Nuxt Image. They pass on no quality, format or fit: Vitrine's preset sets them.

import { loaderUrl } from "./loader-url.ts";
import type { AnySite, ShownPreset } from "./types.ts";

/** The options of Nuxt Image that the provider reads. */
type Options = { readonly modifiers: { readonly width?: unknown; readonly preset?: unknown } };

/** A preset in the sense of Nuxt Image. */
type NuxtPreset = {
  modifiers: { preset: string };
  sizes?: string;
  densities: string;
};

/**
 * Makes the provider of Nuxt Image. It needs the presets that `nuxtPresets` makes.
 *
 * Give it the site of each route that the app uses. It takes the first one that shows the preset and leads to
 * the key. On a signed route, the `src` of a picture is what `signedSrc` returns. A server route signs: the page
 * then holds the query, and no key.
 *
 * `getImage` throws a RangeError if no preset of these routes is named, if none of them leads to the key, or if
 * no object can have the key.
 * @example
 * // app/vitrine-provider.ts
 * export default defineProvider(nuxtProvider(images.site, avatars.site, privateImages.site));
 */
export function nuxtProvider(...sites: readonly [AnySite, ...AnySite[]]) {
  return {
    getImage(src: string, { modifiers: { width, preset } }: Options): { url: string } {
      const key = src.replace(/^\//, ""); // Nuxt adds this slash; no key begins with one
      const how =
        "set presets: nuxtPresets(images.site) in nuxt.config.ts, and write <NuxtImg preset>";
      return { url: loaderUrl(sites, { src: key, preset, width }, how) };
    },
  };
}

/**
 * Makes Nuxt Image's presets from those of all sites, so that `<NuxtImg preset="hero">` names Vitrine's
 * preset `hero`. They set the sizes: `<NuxtImg>` then needs no `width`, `sizes` or `densities`.
 * @example
 * // nuxt.config.ts
 * image: { provider: "vitrine", presets: nuxtPresets(images.site) }
 */
export function nuxtPresets(
  ...sites: readonly [AnySite, ...AnySite[]]
): Record<string, NuxtPreset> {
  return Object.fromEntries(
    sites
      .flatMap((site) => [...site.shown])
      .map(([preset, options]): [string, NuxtPreset] => [
        preset,
        { modifiers: { preset }, ...sizing(options) },
      ]),
  );
}

/** Nuxt multiplies each size by each density, and knows only densities that are whole numbers. */
function sizing({ shape, candidates }: ShownPreset): Pick<NuxtPreset, "sizes" | "densities"> {
  if (shape.widths) {
    const sizes = candidates.map(({ pixels }) => `${pixels}px:100vw`);
    return { sizes: sizes.join(" "), densities: "1x" };
  }
  if (!shape.width) return { densities: "1x" };
  const whole = candidates.map(({ as }) => as).filter((as) => !as.includes("."));
  return { sizes: `${shape.width}px`, densities: whole.join(" ") };
}
