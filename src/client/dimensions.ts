// Calculates the width and height of an <img> from a preset, by the same rules as the edge, so that nothing on the page
// moves when the picture comes. It never guesses: a side that is not certain is left out.

import type { Dimensions, Original, PresetShape } from "./types.ts";

/** The values of `fit` with which a rendition has both sides of the preset, whatever the original (O3). */
const FILLS_BOTH_SIDES = /cover|pad|squeeze/;

/** The values of `fit` with which a rendition is never larger than the original (O3). */
const NEVER_ENLARGES = /scale-down|crop/;

/**
 * Returns the `width` and `height` of an `<img>` in CSS pixels (O3, O11, O12).
 *
 * With the original's size, both are exact, except for a preset that trims, and for a `crop` whose renditions
 * have different shapes. Without it, both are set if every original comes out at the same size. If the preset
 * sets only one side, that side is returned.
 */
export function dimensionsOf(preset: PresetShape, original?: Original): Partial<Dimensions> {
  const { width, height, fit = "scale-down", rotate = 0, trim, dpr, widths } = preset;

  // The edge never resizes an SVG (R8). So its sides are those at which it fits into the preset.
  if (original?.type === "image/svg+xml") {
    const svgFit = NEVER_ENLARGES.test(fit) ? "scale-down" : "contain";
    return dimensionsOf({ width, height, fit: svgFit }, { ...original, type: undefined });
  }

  if (width && height && FILLS_BOTH_SIDES.test(fit)) return addBorder(preset, width, height);

  // Without the original's size, or with a trim, which takes away an unknown number of pixels, few sides are certain.
  if (!original?.width || !original.height || trim) {
    // With `widths`, a `width` of the <img> would override the `sizes` of the page.
    if (widths) return {};
    // With both sides, the original's own shape decides which one it fills.
    if (width && height) return {};
    return addBorder(preset, width, height);
  }

  const isTurned = rotate % 180 !== 0;
  const source = isTurned ? { width: original.height, height: original.width } : original;

  if (width && height && fit === "crop") {
    // An original that is too small for the largest rendition gives it another shape than the smaller ones.
    const maxScale = maxScaleOf(preset, width);
    const isTooSmall = source.width < width * maxScale || source.height < height * maxScale;
    if (isTooSmall && (dpr || widths)) return {};

    return addBorder(preset, Math.min(width, source.width), Math.min(height, source.height));
  }

  const maxWidth = width ?? Infinity;
  const maxHeight = height ?? Infinity;
  let scale = Math.min(maxWidth / source.width, maxHeight / source.height);
  if (NEVER_ENLARGES.test(fit)) scale = Math.min(scale, 1);
  if (fit === "scale-up") scale = Math.max(scale, 1);

  const scaledWidth = Math.max(1, Math.round(source.width * scale));
  const scaledHeight = Math.max(1, Math.round(source.height * scale));
  return addBorder(preset, scaledWidth, scaledHeight);
}

/** Returns how much larger than the preset its largest rendition is: 2 for `dpr: [1, 2]`. */
function maxScaleOf({ dpr = [], widths = [] }: PresetShape, width: number): number {
  const scales = widths.map((otherWidth) => otherWidth / width);
  return Math.max(1, ...dpr, ...scales);
}

/** Adds the preset's border to the sides that are known. */
function addBorder(
  { border = {} }: PresetShape,
  width?: number,
  height?: number,
): Partial<Dimensions> {
  const borderWidth = border.width ?? 0;
  const {
    top = borderWidth,
    right = borderWidth,
    bottom = borderWidth,
    left = borderWidth,
  } = border;

  return {
    ...(width && { width: width + left + right }),
    ...(height && { height: height + top + bottom }),
  };
}
