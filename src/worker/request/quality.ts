// How many bytes a rendition may have, and the quality that is requested, so that it has no more. A picture that was made
// small for the web has fewer bytes than a quality of 85 makes of it: nobody should load more bytes because of Vitrine.
// The quality is chosen once for an object and a variant, for all formats alike: a format is free, but each quality is
// billed (L2). Pure.

import type { PixelSize } from "../../url/rendition-size.ts";
import type { Variant } from "../config/preset.ts";
import type { ObjectType } from "../http/refusal.ts";

type Image = Variant["image"];

export type Quality = NonNullable<Image["quality"]>;

/** The edge's quality where a preset has none (O5). */
const DEFAULT_QUALITY = 85;

/** The numbers behind the names of qualities. Only Cloudflare knows them for certain (O5). */
const NAMED_QUALITIES = {
  high: 90,
  "medium-high": 80,
  "medium-low": 65,
  low: 50,
} as const satisfies Record<Extract<Quality, string>, number>;

/** Returns the number of a quality, of which undefined is the edge's own. */
export function qualityNumber(quality: Quality | undefined): number {
  if (typeof quality === "string") return NAMED_QUALITIES[quality];
  return quality ?? DEFAULT_QUALITY;
}

/** A preset with a higher quality wants its bytes, however many they are. */
const MAX_LIMITED_QUALITY = 90;

/** A rendition may have so many times the bytes of its object, and so many bytes more. */
const MAX_GROWTH = 1.2;
const MAX_EXTRA_BYTES = 2_048;

/** What the bytes of an original can be compared with. */
type Original = {
  /** In bytes; undefined: unknown. */
  readonly length?: number | undefined;
  readonly sides?: PixelSize | undefined;
};

/**
 * Returns how many bytes a rendition may have.
 * @param size of the rendition; undefined: unknown
 * @returns undefined if there is no limit: the preset enlarges the picture, or adds something to it
 */
export function maxBytesOf(
  { format, image }: Variant,
  { length, sides }: Original,
  size: PixelSize | undefined,
): number | undefined {
  if (!length) return undefined;

  // A PNG keeps every pixel, so it may well be longer than a photograph.
  if (format.startsWith("png")) return undefined;

  // These options add something to the picture.
  const { anim, draw, border, sharpen, upscale, fit, quality } = image;
  if (anim || draw || border || sharpen || upscale) return undefined;
  if (qualityNumber(quality) > MAX_LIMITED_QUALITY) return undefined;

  const isNeverEnlarged = fit === "scale-down" || fit === "crop";
  const isKnown = sides !== undefined && size !== undefined;
  const isEnlarged = isKnown && isLonger(size, sides) && !isNeverEnlarged;
  if (isEnlarged) return undefined;
  if (!isKnown && !isNeverEnlarged) return undefined;

  return Math.floor(length * MAX_GROWTH) + MAX_EXTRA_BYTES;
}

/** Returns whether a side of a picture is longer than those of its original, whichever way it is turned. */
function isLonger(size: PixelSize, original: PixelSize): boolean {
  const isLongSideLonger =
    Math.max(size.width, size.height) > Math.max(original.width, original.height);
  const isShortSideLonger =
    Math.min(size.width, size.height) > Math.min(original.width, original.height);
  return isLongSideLonger || isShortSideLonger;
}

/**
 * The quality with which AVIF and WebP mostly have no more than so many bytes for each pixel. Between two rows, it is
 * interpolated. Measured with photographs, drawings and screenshots.
 */
const QUALITIES = [
  { bytesPerPixel: 0, quality: 26 },
  { bytesPerPixel: 0.03, quality: 42 },
  { bytesPerPixel: 0.05, quality: 52 },
  { bytesPerPixel: 0.07, quality: 58 },
  { bytesPerPixel: 0.12, quality: 66 },
  { bytesPerPixel: 0.17, quality: 71 },
  { bytesPerPixel: 0.22, quality: 80 },
  { bytesPerPixel: 0.36, quality: 85 },
] as const;

function qualityFor(bytesPerPixel: number): number {
  const next = QUALITIES.findIndex((row) => row.bytesPerPixel > bytesPerPixel);
  const above = QUALITIES[next];
  const below = QUALITIES[next - 1];
  if (!above || !below) return DEFAULT_QUALITY;

  const share = (bytesPerPixel - below.bytesPerPixel) / (above.bytesPerPixel - below.bytesPerPixel);
  return Math.round(below.quality + share * (above.quality - below.quality));
}

/**
 * The table of qualities is for JPEG originals. For others, the bytes are multiplied by these factors. A WebP shows more
 * with as many bytes as a JPEG: to have no more bytes than the WebP, a rendition needs a lower quality. A PNG or a GIF of few
 * bytes is a drawing, of which AVIF and WebP have fewer bytes still.
 */
const FACTORS: Partial<Record<ObjectType, number>> = {
  "image/webp": 0.6,
  "image/png": 1.6,
  "image/gif": 1.6,
};

/**
 * Returns the quality to request: never a higher one than the preset's.
 * @param type of the original
 * @param maxBytes what `maxBytesOf` returns
 * @returns undefined for the edge's own quality
 */
export function chooseQuality(
  { image }: Variant,
  type: ObjectType,
  size: PixelSize | undefined,
  maxBytes: number | undefined,
): Quality | undefined {
  const { quality } = image;
  if (maxBytes === undefined || !size) return quality;

  const factor = FACTORS[type] ?? 1;
  const fitting = qualityFor((maxBytes * factor) / (size.width * size.height));
  return fitting < qualityNumber(quality) ? fitting : quality;
}

/** No picture gets a lower quality than this: it would only be a blur. */
const MIN_QUALITY = 10;

const REDUCTION = 0.45;

/**
 * Returns the one lower quality that may follow another one. It does not depend on the bytes that came, so that it is the
 * same for all formats.
 * @returns undefined if there is no lower one
 */
export function lowerQuality(quality: Quality | undefined): number | undefined {
  const current = qualityNumber(quality);
  const lower = Math.max(MIN_QUALITY, Math.round(current * REDUCTION));
  return lower < current ? lower : undefined;
}
