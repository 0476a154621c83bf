// The size of a rendition, before it is made. It follows from the sides of the original and from the options of a
// variant, as the image edge reads them (O2, O3, O11, O12 in docs/rules.md). Pure. The Worker chooses the format by it,
// and the client the candidates of a srcset.

/** The sides of a picture, in px. */
export type PixelSize = { readonly width: number; readonly height: number };

/** Lengths at the sides of a picture, in CSS px. */
type Sides = {
  readonly top?: number | undefined;
  readonly right?: number | undefined;
  readonly bottom?: number | undefined;
  readonly left?: number | undefined;
};

/** What trim cuts off, or leaves: in CSS px. */
type Trim = Sides & {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** The border of the picture is cut off, by its colour. */
  readonly border?: unknown;
};

type BorderOption = Sides & { readonly width?: number | undefined };

/** The options that decide the size of a rendition. */
export type SizeOptions = {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** Pixels for one CSS pixel: 1 to 2. */
  readonly dpr?: number | undefined;
  /** How the picture is fitted into `width` and `height`. */
  readonly fit?: string | undefined;
  readonly rotate?: number | undefined;
  readonly trim?: Trim | "border" | undefined;
  readonly border?: BorderOption | undefined;
};

/**
 * Returns the size of a rendition.
 * @param original its sides after the rotation that EXIF asks for
 * @returns undefined if the size depends on the pixels: a border of the picture is cut off
 * @example
 * renditionSize({ width: 3000, height: 4000 }, { width: 960 }); // { width: 960, height: 1280 }
 */
export function renditionSize(original: PixelSize, options: SizeOptions): PixelSize | undefined {
  const source = sourceSize(original, options);
  if (!source) return undefined;

  const { width, height } = fitInto(source, options);
  const border = borderWidths(options);
  return {
    width: width + border.left + border.right,
    height: height + border.top + border.bottom,
  };
}

/**
 * Returns the size of what is scaled: the original, trimmed and then rotated (O11).
 * @returns undefined if the size depends on the pixels
 */
export function sourceSize(original: PixelSize, options: SizeOptions): PixelSize | undefined {
  const trimmed = trimmedSize(original, options);
  if (!trimmed) return undefined;

  const { rotate = 0 } = options;
  const isTurned = rotate % 180 !== 0;
  return isTurned ? { width: trimmed.height, height: trimmed.width } : trimmed;
}

/** Turns a length of the options, in CSS px, into px of the rendition. */
function toPixels(length: number | undefined, { dpr = 1 }: SizeOptions): number {
  return Math.round((length ?? 0) * dpr);
}

function trimmedSize(original: PixelSize, options: SizeOptions): PixelSize | undefined {
  const { trim } = options;
  if (trim === undefined) return original;
  if (trim === "border" || trim.border) return undefined;

  const width = trimmedLength(original.width, trim.left, trim.right, trim.width, options);
  const height = trimmedLength(original.height, trim.top, trim.bottom, trim.height, options);
  return { width, height };
}

/**
 * Returns what trim leaves of one side: 1 px at least.
 * @param before what is cut off at the left or the top, and `after` at the right or the bottom: CSS px
 * @param maxLength what is left at most: CSS px
 */
function trimmedLength(
  length: number,
  before: number | undefined,
  after: number | undefined,
  maxLength: number | undefined,
  options: SizeOptions,
): number {
  const start = Math.min(toPixels(before, options), length - 1);
  const stop = length - toPixels(after, options);
  if (maxLength === undefined) return Math.max(1, stop - start);

  // If only `after` is set, the part that stays ends at `stop`, and may begin anywhere before.
  const isFromEnd = before === undefined && after !== undefined;
  const maxPixels = toPixels(maxLength, options);
  if (isFromEnd) return Math.max(1, Math.min(maxPixels, stop));
  return Math.max(1, Math.min(maxPixels, stop - start));
}

/** Returns whether a rendition is never larger than the original (O3). */
export function neverEnlarges(fit = "scale-down"): boolean {
  return fit === "scale-down" || fit === "crop";
}

/** Fits a picture into the sides of the options (O3). */
function fitInto(source: PixelSize, options: SizeOptions): PixelSize {
  const { width, height, dpr = 1, fit = "scale-down" } = options;
  if (width === undefined && height === undefined) return source;

  const widthScale = width === undefined ? Infinity : width / source.width;
  const heightScale = height === undefined ? Infinity : height / source.height;

  // With one side alone, the other scale is infinite, and the smaller scale is that of the side.
  let scale = Math.min(widthScale, heightScale) * dpr;
  if (neverEnlarges(fit)) scale = Math.min(scale, 1);
  if (fit === "scale-up") scale = Math.max(scale, 1);

  const contained = scaleSize(source, scale);
  if (width === undefined || height === undefined) return contained;

  const box = scaleSize({ width, height }, dpr);
  switch (fit) {
    case "squeeze":
    case "pad":
    case "cover":
      return box;
    case "crop":
      return {
        width: Math.min(box.width, source.width),
        height: Math.min(box.height, source.height),
      };
    default:
      return contained;
  }
}

function scaleSize({ width, height }: PixelSize, scale: number): PixelSize {
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}

/** Returns how wide the border is at each side, in px. The border stands outside of the picture (O12). */
export function borderWidths(options: SizeOptions): Required<{ [Side in keyof Sides]: number }> {
  const { border = {} } = options;

  // A side that is not set has the `width` of the border.
  const { width, top = width, right = width, bottom = width, left = width } = border;
  return {
    top: toPixels(top, options),
    right: toPixels(right, options),
    bottom: toPixels(bottom, options),
    left: toPixels(left, options),
  };
}
