import { urlForWidth, urlOf } from "./site.ts";
import type { AnySite, PresetTable, Site } from "./types.ts";

type Asked = {
  readonly modifiers?: {
    readonly width?: unknown;
    readonly preset?: unknown;
  };
};

/**
 * The provider of Nuxt Image for one site, for `defineProvider`. Nuxt's own presets, as `nuxtPresets`
 * makes them, name Vitrine's; `quality`, `format` and `fit` are the preset's own.
 */
export function nuxtProvider(site: AnySite) {
  return {
    getImage(src: string, { modifiers: { width, preset } = {} }: Asked): { url: string } {
      const key = src.replace(/^\//, ""); // Nuxt's; no key begins with one
      const name = `${preset}`;
      const url =
        typeof width === "number" ? urlForWidth(site, key, name, width) : urlOf(site, key, name);
      return { url };
    },
  };
}

/** Nuxt Image's presets, by which `<NuxtImg preset="hero">` names one of Vitrine's. */
export function nuxtPresets<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
): Record<string, { modifiers: { preset: string } }> {
  const names = [...site.shown.keys()];
  return Object.fromEntries(names.map((preset) => [preset, { modifiers: { preset } }]));
}
