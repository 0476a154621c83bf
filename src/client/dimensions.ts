import type { Sizing } from "../url/grammar.ts";

/** Pixels. */
export type Dimensions = { readonly width: number; readonly height: number };

/** What a border adds, in CSS pixels: the same on all sides, or each its own. */
export type Border = {
  readonly width?: number;
  readonly top?: number;
  readonly right?: number;
  readonly bottom?: number;
  readonly left?: number;
};

type Shape = Sizing & {
  readonly fit?: string;
  readonly rotate?: number;
  readonly trim?: unknown;
  readonly border?: Border;
};

/**
 * The `width` and `height` of an `<img>`, in CSS pixels: those that a preset makes of every original, or
 * of this one (O3, O11, O12). Without the original, a preset that keeps its proportions gives the side
 * that it names, and one with `widths` gives none, since the page's `sizes` are to be heeded.
 */
export function attributesOf(preset: Shape, original?: Dimensions): Partial<Dimensions> {
  const { width, height, fit = "scale-down", rotate = 0, trim, widths, border = {} } = preset;
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
  if (width && height && fit === "crop")
    return framed(Math.min(width, across), Math.min(height, down));
  let scale = Math.min((width ?? Infinity) / across, (height ?? Infinity) / down);
  if (/scale-down|crop/.test(fit)) scale = Math.min(scale, 1);
  if (fit === "scale-up") scale = Math.max(scale, 1);
  const scaled = (side: number) => Math.max(1, Math.round(side * scale));
  return framed(scaled(across), scaled(down));
}
