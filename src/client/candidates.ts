// The candidates of a srcset for one original. Each candidate is a URL of its own, which is made, billed and cached by
// itself. So a picture that is never enlarged has no candidate that would only repeat another one.

import { neverEnlarges, renditionSize, type SizeOptions } from "../url/rendition-size.ts";
import { sizesOf } from "../url/sizes.ts";
import { requirePreset } from "./site.ts";
import type { AnySite, Candidate, Original } from "./types.ts";

/** A URL of a `srcset` and its descriptor: `{ variant: "hero@960w", as: "900w" }`. */
type DescribedVariant = Pick<Candidate, "variant" | "as">;

/** A candidate, and the width that its rendition of one original has, in pixels. */
type SizedCandidate = { readonly candidate: Candidate; readonly width: number };

/**
 * Returns the candidates of a preset for one original. If the preset's `fit` never enlarges, they end with the first
 * one that covers the original, and their `w` descriptors are the widths that the renditions really have. Otherwise, or
 * if the size of the original is not known, they are those of the preset.
 * @throws RangeError if the route does not show the preset
 * @example
 * // images: see the example of createClient
 * candidatesFor(images.site, "hero", { width: 900, height: 1200 });
 * // [{ variant: "hero@640w", as: "640w" }, { variant: "hero@960w", as: "900w" }]
 */
export function candidatesFor(
  site: AnySite,
  preset: string,
  original: Original | undefined,
): readonly DescribedVariant[] {
  const { shape, candidates } = requirePreset(site, preset);
  const { fit, rotate, border } = shape;
  if (!original || !neverEnlarges(fit)) return candidates;

  // The edge never resizes an SVG (R8): each candidate would be the same file.
  if (original.type === "image/svg+xml") return candidates.slice(0, 1);

  // The sides may come from anywhere. What is not a number of pixels must not get into a descriptor.
  if (!isPixelCount(original.width) || !isPixelCount(original.height)) return candidates;

  // The client knows that there is a trim, but not what it cuts off. Of a trim by the border, nobody knows it.
  const trim: SizeOptions["trim"] = shape.trim ? "border" : undefined;
  const sizes = new Map(sizesOf(shape));
  const distinct = new Map<string, SizedCandidate>();

  for (const candidate of candidates) {
    // `hero@960w` is the name of the preset and the descriptor of a size. The name alone is the preset's own size.
    const descriptor = candidate.variant.slice(preset.length);
    const options: SizeOptions = { fit, rotate, border, trim, ...sizes.get(descriptor) };
    const size = renditionSize(original, options);
    if (!size) return candidates;

    // Where nothing is enlarged or trimmed, the same sides mean the same picture.
    const sides = `${size.width} × ${size.height}`;
    if (!distinct.has(sides)) distinct.set(sides, { candidate, width: size.width });
  }

  const sizedCandidates = [...distinct.values()];
  return shape.widths
    ? describeByWidth(sizedCandidates)
    : sizedCandidates.map(({ candidate }) => candidate);
}

/**
 * Returns candidates with the widths of their renditions as descriptors.
 *
 * A browser divides a `w` descriptor by `sizes`. It takes the result for the density of the picture: it chooses by
 * it, and divides the pixels by it to lay out the picture. So no descriptor may be wider than its rendition. Otherwise
 * - an original of 900 px, as `hero@960w 960w`, would be shown narrower than `sizes` says;
 * - a portrait in 1920 × 1080, as `hero@640w 640w`, would be blurred: it has 270 px, and is chosen for a place of 600.
 *
 * The real width of the last candidate alone would not do: it may be below the descriptor before it, and a browser
 * would then never choose the largest picture. An `x` descriptor stays: the `width` of the `<img>` decides the layout,
 * and the last candidate is still the one for the densest screens.
 */
function describeByWidth(sizedCandidates: readonly SizedCandidate[]): readonly DescribedVariant[] {
  // A crop of a narrow original grows in its height alone, so two have one width. HTML allows a descriptor only once:
  // those of the preset stay.
  const distinctWidths = new Set(sizedCandidates.map(({ width }) => width));
  const hasEqualWidths = distinctWidths.size < sizedCandidates.length;

  return sizedCandidates.map(({ candidate, width }) => {
    return hasEqualWidths ? candidate : { variant: candidate.variant, as: `${width}w` };
  });
}

function isPixelCount(length: number): boolean {
  return Number.isInteger(length) && length > 0;
}
