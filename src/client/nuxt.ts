// The provider and the presets for Nuxt Image. They ignore a quality, a format or a fit: Vitrine's preset sets them.
// Nuxt Image has presets of its own, each with the sizes to ask for. `nuxtPresets` makes them from Vitrine's presets.

import { loaderUrl } from "./loader-url.ts";
import type { AnySite, ShownPreset } from "./types.ts";

/** The options of Nuxt Image that the provider reads. */
type Options = { readonly modifiers: { readonly width?: unknown; readonly preset?: unknown } };

/** A preset in the sense of Nuxt Image. */
type NuxtPreset = {
  /** The name of Vitrine's preset. */
  modifiers: { preset: string };
  /**
   * `480px`, or with `widths` a list such as `640px:100vw 960px:100vw`. That is Nuxt's way to write: on a screen of
   * 640 px, the picture is as wide as the screen, so Nuxt asks for 640 px. Missing if Vitrine's preset has no width.
   */
  sizes?: string;
  /** `1x 2x`: Nuxt multiplies each of the sizes by each density. */
  densities: string;
};

/**
 * Makes the provider of Nuxt Image. It needs the presets that `nuxtPresets` makes.
 *
 * Give it the site of each route that the app uses. It takes the first one that shows the preset and leads to
 * the object's key. On a signed route, the `src` of a picture is what `signedSrc` returns. A server route signs, so
 * the page holds only the query, and never a signing key.
 *
 * `getImage` throws a RangeError if `modifiers` names no preset that these sites show, if no site that shows it leads
 * to the object's key, or if no object can have that key.
 * @example
 * // app/vitrine-provider.ts
 * export default defineProvider(nuxtProvider(images.site, avatars.site, privateImages.site));
 *
 * // what Nuxt Image asks it for
 * nuxtProvider(images.site).getImage("/photos/fig.jpg", { modifiers: { preset: "hero", width: 700 } });
 * // { url: "https://images.example.com/images/hero@960w/photos/fig.jpg" }
 */
export function nuxtProvider(...sites: readonly [AnySite, ...AnySite[]]) {
  return {
    getImage(src: string, { modifiers }: Options): { url: string } {
      const keyOrSignedSrc = src.replace(/^\//, ""); // Nuxt adds this slash; no key begins with one
      const { preset, width } = modifiers;
      const request = { src: keyOrSignedSrc, preset, width };
      const advice =
        "set presets: nuxtPresets(images.site) in nuxt.config.ts, and write <NuxtImg preset>";
      return { url: loaderUrl(sites, request, advice) };
    },
  };
}

/**
 * Makes Nuxt Image's presets from those of all sites, so that `<NuxtImg preset="hero">` names Vitrine's
 * preset `hero`. They set the sizes: `<NuxtImg>` then needs no `width`, `sizes` or `densities`. If two sites have a
 * preset of the same name, the last site counts.
 * @example
 * // nuxt.config.ts
 * image: { provider: "vitrine", presets: nuxtPresets(images.site) }
 *
 * nuxtPresets(images.site);
 * // {
 * //   card: { modifiers: { preset: "card" }, sizes: "480px", densities: "1x 2x" },
 * //   hero: {
 * //     modifiers: { preset: "hero" },
 * //     sizes: "640px:100vw 960px:100vw 1280px:100vw 1920px:100vw",
 * //     densities: "1x",
 * //   },
 * // }
 */
export function nuxtPresets(
  ...sites: readonly [AnySite, ...AnySite[]]
): Record<string, NuxtPreset> {
  const presets = new Map<string, NuxtPreset>();
  for (const site of sites) {
    for (const [name, preset] of site.shown) {
      presets.set(name, { modifiers: { preset: name }, ...sizingOf(preset) });
    }
  }

  return Object.fromEntries(presets);
}

/** Returns the sizes and the densities with which Nuxt asks for the candidates of a preset, and for nothing else. */
function sizingOf({ shape, candidates }: ShownPreset): Pick<NuxtPreset, "sizes" | "densities"> {
  if (shape.widths) {
    const sizes = candidates.map(({ pixels }) => `${pixels}px:100vw`);
    return { sizes: sizes.join(" "), densities: "1x" };
  }

  if (!shape.width) return { densities: "1x" };

  // Nuxt knows only densities that are whole numbers. The list is never empty: the preset itself is `1x`.
  const densities = candidates.map((candidate) => candidate.as);
  const wholeDensities = densities.filter((density) => !density.includes("."));
  return { sizes: `${shape.width}px`, densities: wholeDensities.join(" ") };
}
