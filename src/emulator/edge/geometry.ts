// Sizes and boxes: which part of an image a rendition shows, how large it is, and on what canvas. It reads no pixel.

import type { Transformations } from "./options.ts";
import type { PixelSize } from "./original.ts";

export type Box = PixelSize & { readonly left: number; readonly top: number };

/**
 * How an image is fitted (O3): the part of it that stays, the size to which this part is scaled, and
 * the canvas. Only `pad` makes the canvas larger. All in px, each side at least 1.
 */
type Fitting = { readonly part: PixelSize; readonly scaled: PixelSize; readonly canvas: PixelSize };

/** The size of the rendition of a source that is upright and trimmed (O2, O3, O11, O12). */
export function outputSize({ width, height }: PixelSize, options: Transformations): PixelSize {
  const { rotate = 0 } = options;
  const isTurned = rotate % 180 !== 0;
  const source = isTurned ? { width: height, height: width } : { width, height };

  const { canvas } = fitSize(source, options);
  const { top, right, bottom, left } = borderSides(options);
  return { width: canvas.width + left + right, height: canvas.height + top + bottom };
}

/** Fits a source that is trimmed and upright into width and height × dpr (O2, O3). */
export function fitSize(source: PixelSize, options: Transformations): Fitting {
  const { width = Infinity, height = Infinity, fit = "scale-down" } = options;
  const density = densityOf(options);
  const scale = Math.min(width / source.width, height / source.height) * density;
  if (scale === Infinity) return { part: source, scaled: source, canvas: source };

  const contained = scaleSize(source, limitScale(scale, fit));
  const whole = { part: source, scaled: contained, canvas: contained };
  if (width === Infinity || height === Infinity) return whole;

  const box = scaleSize({ width, height }, density);
  switch (fit) {
    case "squeeze":
      return { part: source, scaled: box, canvas: box };
    case "pad":
      return { ...whole, canvas: box };
    case "cover":
      return { part: partShapedLike(box, source), scaled: box, canvas: box };
    case "crop":
      return fitCrop(source, box);
    case "aspect-crop":
      return fitAspectCrop(source, box);
    default:
      return whole;
  }
}

/** As cover, without enlarging: a source that does not cover the box is cut, and not scaled (O3). */
function fitCrop(source: PixelSize, box: PixelSize): Fitting {
  if (covers(source, box)) return { part: partShapedLike(box, source), scaled: box, canvas: box };

  const overlap = overlapOf(box, source);
  return { part: overlap, scaled: overlap, canvas: overlap };
}

/** Crops to the ratio of the box, without enlarging (O3). */
function fitAspectCrop(source: PixelSize, box: PixelSize): Fitting {
  const part = partShapedLike(box, source);
  const scaled = covers(part, box) ? box : part;
  return { part, scaled, canvas: scaled };
}

/** The factor for pixels in the options (O2). */
function densityOf({ dpr = 1 }: Transformations): number {
  return Math.min(dpr, 2);
}

function limitScale(scale: number, fit: Transformations["fit"]): number {
  if (fit === "scale-down" || fit === "crop" || fit === "aspect-crop") return Math.min(scale, 1);
  if (fit === "scale-up") return Math.max(scale, 1);
  return scale;
}

function scaleSize(size: PixelSize, scale: number): PixelSize {
  return { width: scaleSide(size.width, scale), height: scaleSide(size.height, scale) };
}

/** No side has less than one pixel. */
function scaleSide(side: number, scale: number): number {
  return Math.max(1, Math.round(side * scale));
}

function covers(size: PixelSize, box: PixelSize): boolean {
  return size.width >= box.width && size.height >= box.height;
}

function overlapOf(a: PixelSize, b: PixelSize): PixelSize {
  return { width: Math.min(a.width, b.width), height: Math.min(a.height, b.height) };
}

/** The largest part of a source that has the shape of a box. */
function partShapedLike(box: PixelSize, source: PixelSize): PixelSize {
  const scale = Math.min(source.width / box.width, source.height / box.height);
  return overlapOf(scaleSize(box, scale), source);
}

/** Where the part lies on each axis: 0 is at the left or top, 1 at the right or bottom. */
type Point = { readonly x?: number; readonly y?: number };

const SIDES: Readonly<Record<string, Point>> = {
  left: { x: 0 },
  right: { x: 1 },
  top: { y: 0 },
  bottom: { y: 1 },
};

/** The part that gravity selects (O4). Gravity that depends on pixels is in transform.ts. */
export function gravityBox(
  source: PixelSize,
  part: PixelSize,
  { gravity = "center" }: Transformations,
): Box {
  const point = typeof gravity === "string" ? SIDES[gravity] : gravity;
  const { x = 0.5, y = 0.5 } = point ?? {}; // without a face the edge takes the centre

  return {
    left: Math.round((source.width - part.width) * x),
    top: Math.round((source.height - part.height) * y),
    ...part,
  };
}

/** What trim takes from an axis: px before and after what stays, or the length of that. */
type AxisTrim = {
  readonly before: number | undefined;
  readonly after: number | undefined;
  readonly length: number | undefined;
};

/** What trim leaves of an upright source, by sides and sizes × dpr (O2, O12): at least 1 px. */
export function trimBox(source: PixelSize, options: Transformations): Box {
  const trim = typeof options.trim === "object" ? options.trim : {};
  const density = densityOf(options);
  const { left, right, width, top, bottom, height } = trim;

  const across = trimAxis(source.width, { before: left, after: right, length: width }, density);
  const down = trimAxis(source.height, { before: top, after: bottom, length: height }, density);
  return { left: across.start, top: down.start, width: across.length, height: down.length };
}

function trimAxis(side: number, { before, after, length }: AxisTrim, density: number) {
  const maxEnd = side - scalePx(after, density);

  // A length beside `after` alone is measured from the end.
  const isFromEnd = before === undefined && after !== undefined && length !== undefined;
  const requestedStart = isFromEnd ? maxEnd - scalePx(length, density) : scalePx(before, density);
  const start = clamp(requestedStart, 0, side - 1);

  const stop = length === undefined ? maxEnd : Math.min(maxEnd, start + scalePx(length, density));
  return { start, length: clamp(stop, start + 1, side) - start };
}

/** The width of the border on each side, in px × dpr (O2, O12). */
export function borderSides(options: Transformations) {
  const density = densityOf(options);
  const border = options.border ?? {};
  const { width, top = width, right = width, bottom = width, left = width } = border;

  return {
    top: scalePx(top, density),
    right: scalePx(right, density),
    bottom: scalePx(bottom, density),
    left: scalePx(left, density),
  };
}

function scalePx(px: number | undefined, density: number): number {
  return px === undefined ? 0 : Math.round(px * density);
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}
