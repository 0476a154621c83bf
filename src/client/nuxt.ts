import { urlAsked } from "./asked.ts";
import type { AnySite, Shown } from "./types.ts";

/** What it looks at of what Nuxt Image gives a provider. */
type Options = { readonly modifiers: { readonly width?: unknown; readonly preset?: unknown } };

/** What Nuxt Image calls a preset. */
type NuxtPreset = {
  modifiers: { preset: string };
  sizes?: string;
  densities: string;
};

/**
 * The provider of Nuxt Image for one site, for `defineProvider`. Nuxt's own presets, as `nuxtPresets`
 * makes them, name Vitrine's; `quality`, `format` and `fit` are the preset's own.
 */
export function nuxtProvider(site: AnySite) {
  return {
    getImage(src: string, { modifiers: { width, preset } }: Options): { url: string } {
      const key = src.replace(/^\//, ""); // Nuxt's; no key begins with one
      const how = "give nuxt.config.ts presets: nuxtPresets(images.site), and <NuxtImg> a preset";
      return { url: urlAsked(site, { key, preset, width }, how) };
    },
  };
}

/**
 * Nuxt Image's presets, by which `<NuxtImg preset="hero">` names one of Vitrine's. With them it asks for
 * the sizes that there are, and so needs no `width`, `sizes` or `densities`.
 */
export function nuxtPresets(site: AnySite): Record<string, NuxtPreset> {
  return Object.fromEntries(
    [...site.shown].map(([preset, shown]): [string, NuxtPreset] => [
      preset,
      { modifiers: { preset }, ...sizing(shown) },
    ]),
  );
}

/** Nuxt multiplies each of its sizes by each of its densities, which are whole numbers. */
function sizing({ shape, candidates }: Shown): Pick<NuxtPreset, "sizes" | "densities"> {
  if (shape.widths) {
    const sizes = candidates.map(({ pixels }) => `${pixels}px:100vw`);
    return { sizes: sizes.join(" "), densities: "1x" };
  }
  if (!shape.width) return { densities: "1x" };
  const whole = candidates.map(({ as }) => as).filter((as) => !as.includes("."));
  return { sizes: `${shape.width}px`, densities: whole.join(" ") };
}
