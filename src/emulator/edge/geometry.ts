// Sizes and boxes: which part of an image a rendition shows, how large it is, and on what canvas. It reads no pixel.

import type { Transformations } from "./options.ts";
import type { PixelSize } from "./original.ts";

export type Box = PixelSize & { readonly left: number; readonly top: number };

const clamp = (value: number, min: number, max: number): number =>
  Math.min(Math.max(value, min), max);

/** The factor for pixels in the options (O2). */
const density = ({ dpr = 1 }: Transformations): number => Math.min(dpr, 2);

/**
 * How an image is fitted (O3): the part of it that stays, the size to which this part is scaled, and
 * the canvas. Only `pad` makes the canvas larger. All in px, each side at least 1.
 */
type Fitting = { readonly part: PixelSize; readonly scaled: PixelSize; readonly canvas: PixelSize };

const cropped = (part: PixelSize, scaled: PixelSize): Fitting => ({ part, scaled, canvas: scaled });

const scaleSize = ({ width, height }: PixelSize, scale: number): PixelSize => ({
  width: Math.max(1, Math.round(width * scale)),
  height: Math.max(1, Math.round(height * scale)),
});

const overlapOf = (a: PixelSize, b: PixelSize): PixelSize => ({
  width: Math.min(a.width, b.width),
  height: Math.min(a.height, b.height),
});

/** The largest part of a source that has the shape of a box. */
function partShapedLike(box: PixelSize, source: PixelSize): PixelSize {
  const scale = Math.min(source.width / box.width, source.height / box.height);
  return overlapOf(scaleSize(box, scale), source);
}

function limitScale(scale: number, fit: Transformations["fit"]): number {
  if (fit === "scale-down" || fit === "crop" || fit === "aspect-crop") return Math.min(scale, 1);
  return fit === "scale-up" ? Math.max(scale, 1) : scale;
}

/** Fits a source that is trimmed and upright into width and height × dpr (O2, O3). */
export function fitSize(source: PixelSize, options: Transformations): Fitting {
  const { width = Infinity, height = Infinity, fit = "scale-down" } = options;
  const scale = Math.min(width / source.width, height / source.height) * density(options);
  if (scale === Infinity) return cropped(source, source);
  const contained = cropped(source, scaleSize(source, limitScale(scale, fit)));
  if (width === Infinity || height === Infinity) return contained;

  const box = scaleSize({ width, height }, density(options));
  const part = partShapedLike(box, source);
  const coversBox = ({ width, height }: PixelSize) => width >= box.width && height >= box.height;
  const overlap = overlapOf(box, source);
  switch (fit) {
    case "squeeze":
      return cropped(source, box);
    case "pad":
      return { ...contained, canvas: box };
    case "cover":
      return cropped(part, box);
    case "crop":
      return coversBox(source) ? cropped(part, box) : cropped(overlap, overlap);
    case "aspect-crop":
      return cropped(part, coversBox(part) ? box : part);
    default:
      return contained;
  }
}

type Point = { readonly x?: number; readonly y?: number };

const FOCUS: Readonly<Record<string, Point>> = {
  ...{ left: { x: 0 }, right: { x: 1 }, top: { y: 0 }, bottom: { y: 1 } },
};

/** The part that gravity selects (O4). Gravity that depends on pixels is in transform.ts. */
export function gravityBox(
  source: PixelSize,
  part: PixelSize,
  { gravity = "center" }: Transformations,
): Box {
  // Without a face the edge takes the centre.
  const { x = 0.5, y = 0.5 } = typeof gravity === "string" ? (FOCUS[gravity] ?? {}) : gravity;
  return {
    left: Math.round((source.width - part.width) * x),
    top: Math.round((source.height - part.height) * y),
    ...part,
  };
}

/** What trim leaves of an upright source, by sides and sizes × dpr (O2, O12): at least 1 px. */
export function trimBox(source: PixelSize, options: Transformations): Box {
  const trim = typeof options.trim === "object" ? options.trim : {};
  const along = (side: number, before?: number, after?: number, keptLength?: number) => {
    const scaled = (px = 0) => Math.round(px * density(options));
    const last = side - scaled(after);
    const fromTheEnd = before === undefined && after !== undefined && keptLength !== undefined;
    const start = clamp(fromTheEnd ? last - scaled(keptLength) : scaled(before), 0, side - 1);
    const stop = keptLength === undefined ? last : Math.min(last, start + scaled(keptLength));
    return { start, length: clamp(stop, start + 1, side) - start };
  };
  const across = along(source.width, trim.left, trim.right, trim.width);
  const down = along(source.height, trim.top, trim.bottom, trim.height);
  return { left: across.start, top: down.start, width: across.length, height: down.length };
}

/** The width of the border on each side, in px × dpr (O2, O12). */
export function borderSides(options: Transformations) {
  const scaled = (px = 0) => Math.round(px * density(options));
  const { width, top = width, right = width, bottom = width, left = width } = options.border ?? {};
  return { top: scaled(top), right: scaled(right), bottom: scaled(bottom), left: scaled(left) };
}

/** The size of the rendition of a source that is upright and trimmed (O2, O3, O11, O12). */
export function outputSize({ width, height }: PixelSize, options: Transformations): PixelSize {
  const turned = (options.rotate ?? 0) % 180 !== 0;
  const { canvas } = fitSize(
    turned ? { width: height, height: width } : { width, height },
    options,
  );
  const { top, right, bottom, left } = borderSides(options);
  return { width: canvas.width + left + right, height: canvas.height + top + bottom };
}
