// Encodes a rendition: its format, quality and frames. No metadata of an original stays.

import type { Metadata, Sharp } from "sharp";
import type { Frames } from "./decode.ts";
import type { ImageOptions } from "./options.ts";
import type { Picture, PixelSize, RasterOriginal } from "./original.ts";
import { requireSharp } from "./sharp.ts";
import type { Switches } from "./switches.ts";

export type Format = "jpeg" | "png" | "webp" | "avif" | "gif";

/** The longest side of an AVIF, in px (O7). */
export const MAX_AVIF_SIDE = 1_200;

/** The quality where the options name none (O5). */
const DEFAULT_QUALITY = 85;

/** Returns whether a rendition keeps all frames of an animation (O8). */
export function isAnimated(
  { type, frames }: RasterOriginal,
  { anim, format }: ImageOptions,
): boolean {
  if (frames <= 1 || anim === false) return false;
  if (format === undefined) return type === "image/gif" || type === "image/webp";
  return format === "webp";
}

export type Encoded = { readonly bytes: Uint8Array; readonly type: string };

/** How frames are encoded. */
type Encoding = {
  /** 1–100. A PNG has all its colours only without a quality (O5). */
  readonly quality?: number | undefined;
  /** The timing of the original. */
  readonly metadata: Pick<Metadata, "delay" | "loop">;
};

/**
 * Encodes frames in the format that `cf.image` asks for (O5, O6, O8, R5).
 * @param source the content-type of the original
 * @throws if a side is too long for the format
 */
export async function encode(
  frames: Frames,
  source: RasterOriginal["type"],
  { format, quality: chosen }: ImageOptions,
  { qualities, metadata }: Pick<Switches, "qualities"> & Pick<Encoding, "metadata">,
): Promise<Encoded> {
  const quality = typeof chosen === "string" ? qualities[chosen] : chosen;

  const isMovingGif = frames.length > 1 && format === undefined && source === "image/gif";
  if (isMovingGif) return encodeAs("gif", frames, { quality, metadata });

  const isTransparent = frames.some(hasTransparentPixel);
  const chosenFormat = stillFormat(format ?? source, isTransparent);
  return encodeAs(chosenFormat, frames, { quality, metadata });
}

/**
 * Encodes frames in a format. GIF and WebP keep all frames, other formats only the first.
 * @throws if a side is too long for the format
 */
export async function encodeAs(
  format: Format,
  frames: Frames,
  { quality, metadata }: Encoding,
): Promise<Encoded> {
  const canMove = format === "gif" || format === "webp";
  const encodedFrames = canMove ? frames : frames.slice(0, 1);

  const pixels = joinFrames(encodedFrames, frames[0]);
  const isOpaque = !frames.some(hasTransparentPixel);
  const input = isOpaque ? pixels.removeAlpha() : pixels;
  const timing = encodedFrames.length > 1 ? metadata : {}; // a still image has none
  const image = withFormat(input, format, { quality, metadata: timing });

  return { bytes: await image.toBuffer(), type: `image/${format}` };
}

/** Opens frames with sharp, which takes them as one picture, with one below the other. */
function joinFrames(frames: readonly Picture[], { width, height }: PixelSize): Sharp {
  const data = Buffer.concat(frames.map((frame) => frame.data));
  return requireSharp()(data, {
    raw: { width, height: height * frames.length, channels: 4, pageHeight: height },
    limitInputPixels: false,
  });
}

/** Chooses the encoder. Low efforts, because they are fast: how small a rendition can be is not tested. */
function withFormat(
  image: Sharp,
  format: Format,
  { quality: chosen, metadata: { delay, loop } }: Encoding,
): Sharp {
  const quality = chosen ?? DEFAULT_QUALITY;

  switch (format) {
    case "jpeg":
      // White, as for pad. Cloudflare does not document the background of a transparent JPEG.
      return image.flatten({ background: "white" }).jpeg({ quality });
    case "webp":
      return image.webp({ quality, lossless: quality === 100, effort: 2, delay, loop });
    case "avif":
      return image.avif({ quality, effort: 0 });
    case "gif":
      return image.gif({ effort: 1, keepDuplicateFrames: true, delay, loop });
    case "png":
      return chosen === undefined ? image.png() : image.png({ palette: true, quality });
  }
}
function hasTransparentPixel({ data }: Picture): boolean {
  for (let index = 3; index < data.length; index += 4) {
    if (data[index] !== 255) return true;
  }
  return false;
}

/** The requested format, that of the source, or one that can replace it (O6, R5). */
function stillFormat(
  requested: NonNullable<ImageOptions["format"]> | RasterOriginal["type"],
  isTransparent: boolean,
): Format {
  switch (requested) {
    case "jpeg":
    case "baseline-jpeg":
    case "image/jpeg":
      return "jpeg";
    case "png":
    case "png-force":
      return "png";
    case "avif":
      return "avif";
    case "webp":
    case "image/webp":
    case "image/avif":
      return "webp";
    default:
      // The edge prefers JPEG to PNG, and JPEG has no transparency (O6).
      return isTransparent ? "png" : "jpeg";
  }
}
