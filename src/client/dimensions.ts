// Calculates the width and height of an <img> from a preset, by the rules of the edge, which is the part of Cloudflare
// that resizes. With them, nothing on the page moves when the picture comes. A side that is not certain is left out.

import type { Dimensions, Original, PresetShape } from "./types.ts";

/** The values of `fit` with which a rendition has both sides of the preset, whatever the original (O3). */
const FILLS_BOTH_SIDES = /cover|pad|squeeze/;

/** The values of `fit` with which a rendition is never larger than the original (O3). */
const NEVER_ENLARGES = /scale-down|crop/;

/** Returns the `width` and `height` of an `<img>` in CSS pixels, the border included (O3, O11, O12). */
export function dimensionsOf(preset: PresetShape, original?: Original): Partial<Dimensions> {
  const { width, height, fit = "scale-down", rotate = 0, trim, dpr = [], widths = [] } = preset;

  // The edge passes an SVG on as it is (R8), without the preset's crop, turn or border. So its own shape is fitted
  // into the preset's sides: by `scale-down` if the preset's `fit` never enlarges, and by `contain` otherwise.
  if (original?.type === "image/svg+xml") {
    const svgFit = NEVER_ENLARGES.test(fit) ? "scale-down" : "contain";
    return dimensionsOf({ width, height, fit: svgFit }, { ...original, type: undefined });
  }

  if (width && height && FILLS_BOTH_SIDES.test(fit)) return addBorder(preset, width, height);

  // The size before scaling is not known: of a missing original, or after a trim, which cuts off unknown edges.
  if (!original?.width || !original.height || trim) {
    // With both sides, the shape of the original decides which of them the picture fills.
    if (width && height) return {};
    // With `widths`, a `width` of the <img> would override the `sizes` of the page.
    if (preset.widths) return {};
    return addBorder(preset, width, height);
  }

  const isTurned = rotate % 180 !== 0;
  const sourceWidth = isTurned ? original.height : original.width;
  const sourceHeight = isTurned ? original.width : original.height;

  if (width && height && fit === "crop") {
    // The largest factor among its sizes: 2 for `dpr: [1, 2]`, and for `width: 480` with `widths: [480, 960]`.
    const widthScales = widths.map((listedWidth) => listedWidth / width);
    const maxScale = Math.max(1, ...dpr, ...widthScales);

    // A crop never enlarges. With 400 × 300, `dpr: [1, 2]` and an original of 600 × 600, `1x` gives 400 × 300, but
    // `2x` gives 600 × 600. That is another shape, so no size is right for both.
    const isTooSmall = sourceWidth < width * maxScale || sourceHeight < height * maxScale;
    if (isTooSmall && (preset.dpr || preset.widths)) return {};

    return addBorder(preset, Math.min(width, sourceWidth), Math.min(height, sourceHeight));
  }

  // The picture fits into the sides that the preset sets. A preset has at least one: the Worker refuses it otherwise.
  const maxWidth = width ?? Infinity;
  const maxHeight = height ?? Infinity;
  let scale = Math.min(maxWidth / sourceWidth, maxHeight / sourceHeight);
  if (NEVER_ENLARGES.test(fit)) scale = Math.min(scale, 1);
  if (fit === "scale-up") scale = Math.max(scale, 1);

  const scaledWidth = Math.max(1, Math.round(sourceWidth * scale));
  const scaledHeight = Math.max(1, Math.round(sourceHeight * scale));
  return addBorder(preset, scaledWidth, scaledHeight);
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
