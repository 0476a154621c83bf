import { urlAsked } from "./asked.ts";
import type { PresetTable, Site } from "./types.ts";

/**
 * The transformer of unpic's components for one site. The preset stands in `options`; of the operations
 * the width alone is heeded.
 */
export function unpicTransformer<Presets extends PresetTable, Name extends keyof Presets & string>(
  site: Site<Presets, Name>,
) {
  return (
    src: string | URL,
    { width }: { readonly width?: number | string },
    options?: { readonly preset: Name },
  ): string => {
    const asked = { key: `${src}`, preset: options?.preset, width };
    return urlAsked(site, asked, "write options={{ preset }} with a preset");
  };
}
