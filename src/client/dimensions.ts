// Calculates the width and height of an <img> from a preset, by the rules of the edge, which is the part of Cloudflare
// that resizes. With them, nothing on the page moves when the picture comes. A side that is not certain is left out.

import { borderWidths, neverEnlarges, renditionSize, sourceSize } from "../url/rendition-size.ts";
import type { Dimensions, Original, PresetShape } from "./types.ts";

/** The values of `fit` with which a rendition has both sides of the preset, whatever the original (O3). */
const FILLS_BOTH_SIDES = /cover|pad|squeeze/;

/** Returns the `width` and `height` of an `<img>` in CSS pixels, the border included (O3, O11, O12). */
export function dimensionsOf(preset: PresetShape, original?: Original): Partial<Dimensions> {
  const { width, height, fit = "scale-down", rotate, border, trim, dpr = [], widths = [] } = preset;

  // The edge passes an SVG on as it is (R8), without the preset's crop, turn or border. So its own shape is fitted
  // into the preset's sides: by `scale-down` if the preset's `fit` never enlarges, and by `contain` otherwise.
  if (original?.type === "image/svg+xml") {
    const svgFit = neverEnlarges(fit) ? "scale-down" : "contain";
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

  const options = { width, height, fit, rotate, border };
  const source = sourceSize(original, options);

  if (source && width && height && fit === "crop") {
    // The largest factor among its sizes: 2 for `dpr: [1, 2]`, and for `width: 480` with `widths: [480, 960]`.
    const widthScales = widths.map((listedWidth) => listedWidth / width);
    const maxScale = Math.max(1, ...dpr, ...widthScales);

    // A crop never enlarges. With 400 × 300, `dpr: [1, 2]` and an original of 600 × 600, `1x` gives 400 × 300, but
    // `2x` gives 600 × 600. That is another shape, so no size is right for both.
    const isTooSmall = source.width < width * maxScale || source.height < height * maxScale;
    if (isTooSmall && (preset.dpr || preset.widths)) return {};
  }

  return renditionSize(original, options) ?? {};
}

/** Adds the preset's border to the sides that are known. */
function addBorder({ border }: PresetShape, width?: number, height?: number): Partial<Dimensions> {
  const { top, right, bottom, left } = borderWidths({ border });

  return {
    ...(width && { width: width + left + right }),
    ...(height && { height: height + top + bottom }),
  };
}
