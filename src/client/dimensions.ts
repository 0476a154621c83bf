// Calculates the width and height of an <img> from a preset, by the same rules as the edge. It never
// guesses: a side that the preset does not fix is left out.

import type { Dimensions, Original, PresetShape } from "./types.ts";

/**
 * Returns the `width` and `height` of an `<img>` in CSS pixels (O3, O11, O12).
 *
 * With the original's size, both are exact, except for a preset that trims, and for a `crop` whose renditions
 * have different shapes: a small original fills only some of the sizes. Without it, both are set if every
 * original comes out at the same size. If the preset sets only one side, that side is returned. With
 * `widths`, neither is returned then: they would override the `sizes` of the page.
 *
 * An SVG is never resized (R8). Its sides are those at which it fits into the preset.
 */
export function dimensionsOf(preset: PresetShape, original?: Original): Partial<Dimensions> {
  const { width, height, fit = "scale-down", rotate = 0, trim, widths, dpr, border = {} } = preset;
  if (original?.type === "image/svg+xml") {
    const shape = { width, height, fit: /down|crop/.test(fit) ? "scale-down" : "contain" };
    return dimensionsOf(shape, { ...original, type: undefined });
  }
  const all = border.width ?? 0;
  const framed = (across?: number, down?: number): Partial<Dimensions> => ({
    ...(across && { width: across + (border.left ?? all) + (border.right ?? all) }),
    ...(down && { height: down + (border.top ?? all) + (border.bottom ?? all) }),
  });
  if (width && height && /cover|pad|squeeze/.test(fit)) return framed(width, height);
  if (!original?.width || !original.height || trim)
    return widths || (width && height) ? {} : framed(width, height);

  const [across, down] =
    rotate % 180 ? [original.height, original.width] : [original.width, original.height];
  if (width && height && fit === "crop") {
    const maxScale = Math.max(
      1,
      ...(dpr ?? []),
      ...(widths ?? []).map((maxWidth) => maxWidth / width),
    );
    // Then the larger renditions have another shape than the smaller ones.
    const isTooSmall = across < width * maxScale || down < height * maxScale;
    if (isTooSmall && (dpr || widths)) return {};
    return framed(Math.min(width, across), Math.min(height, down));
  }
  let scale = Math.min((width ?? Infinity) / across, (height ?? Infinity) / down);
  if (/scale-down|crop/.test(fit)) scale = Math.min(scale, 1);
  if (fit === "scale-up") scale = Math.max(scale, 1);
  const scaled = (side: number) => Math.max(1, Math.round(side * scale));
  return framed(scaled(across), scaled(down));
}
