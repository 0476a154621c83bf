// Which variant of a preset a browser chooses.

import type { Variant } from "../../src/worker/config/preset.ts";
import type { Visit } from "./trace.ts";

/**
 * Returns the variant that a browser chooses: by the dpr of the screen if the preset has dprs, otherwise by
 * the width in device pixels. It is the smallest that is large enough, or else the largest.
 */
export function chosen(
  variants: readonly Named[],
  { width, dpr }: Pick<Visit, "width" | "dpr">,
): Named {
  const [first] = variants;
  if (first === undefined) throw new Error("the preset is not in the configuration");
  const byDpr = variants.some(({ variant }) => variant.image.dpr !== undefined);
  const wanted = dpr * (byDpr ? (first.variant.image.width ?? 0) : width);
  return variants.find((named) => pixelsOf(named) >= wanted) ?? variants.at(-1) ?? first;
}

type Named = { readonly name: string; readonly variant: Variant };

/** The variants of each preset, smallest first. */
export function variantsByPreset(
  variants: ReadonlyMap<string, Variant>,
): ReadonlyMap<string, readonly Named[]> {
  const named = [...variants].map(([name, variant]) => ({ name, variant }));
  named.sort((one, other) => pixelsOf(one) - pixelsOf(other));
  return Map.groupBy(named, ({ variant }) => variant.preset);
}

function pixelsOf({ variant: { image } }: Named): number {
  return (image.width ?? 0) * (image.dpr ?? 1);
}
