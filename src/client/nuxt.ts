// The provider and the presets for Nuxt Image. It passes on no quality, format or fit: Vitrine's preset
// sets them.

import { loaderUrl } from "./loader-url.ts";
import type { AnySite, Shown } from "./types.ts";

/** The options of Nuxt Image that the provider reads. */
type Options = { readonly modifiers: { readonly width?: unknown; readonly preset?: unknown } };

/** A preset in the sense of Nuxt Image. */
type NuxtPreset = {
  modifiers: { preset: string };
  sizes?: string;
  densities: string;
};

/**
 * Makes the provider of Nuxt Image for one site. It needs the presets that `nuxtPresets` makes.
 *
 * On a signed route, the `src` of a picture is what `signedSrc` returns. A server route signs: the page
 * then holds the query, and no key. If an app has such a route and an open one, give the provider both
 * sites: it uses `signed` for each `src` with a query.
 *
 * `getImage` throws a RangeError if no preset of the route is named, or if no object can have the key.
 * @example
 * // app/vitrine-provider.ts
 * export default defineProvider(nuxtProvider(images.site));
 */
export function nuxtProvider(site: AnySite, signed: AnySite = site) {
  return {
    getImage(src: string, { modifiers: { width, preset } }: Options): { url: string } {
      const own = src.replace(/^\//, ""); // Nuxt adds this slash; no key begins with one
      const how =
        "set presets: nuxtPresets(images.site) in nuxt.config.ts, and write <NuxtImg preset>";
      return { url: loaderUrl({ open: site, signed }, { src: own, preset, width }, how) };
    },
  };
}

/**
 * Makes Nuxt Image's presets from those of a site, so that `<NuxtImg preset="hero">` names Vitrine's
 * preset `hero`. They set the sizes: `<NuxtImg>` then needs no `width`, `sizes` or `densities`.
 * @example
 * // nuxt.config.ts
 * image: { provider: "vitrine", presets: nuxtPresets(images.site) }
 */
export function nuxtPresets(site: AnySite): Record<string, NuxtPreset> {
  return Object.fromEntries(
    [...site.shown].map(([preset, shown]): [string, NuxtPreset] => [
      preset,
      { modifiers: { preset }, ...sizing(shown) },
    ]),
  );
}

/** Nuxt multiplies each size by each density, and knows only densities that are whole numbers. */
function sizing({ shape, candidates }: Shown): Pick<NuxtPreset, "sizes" | "densities"> {
  if (shape.widths) {
    const sizes = candidates.map(({ pixels }) => `${pixels}px:100vw`);
    return { sizes: sizes.join(" "), densities: "1x" };
  }
  if (!shape.width) return { densities: "1x" };
  const whole = candidates.map(({ as }) => as).filter((as) => !as.includes("."));
  return { sizes: `${shape.width}px`, densities: whole.join(" ") };
}
