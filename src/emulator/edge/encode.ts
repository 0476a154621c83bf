// Encodes a rendition: its format, quality and frames. No metadata of an original stays.

import type { Metadata } from "sharp";
import type { Frames } from "./decode.ts";
import type { ImageOptions } from "./options.ts";
import type { Picture, RasterOriginal } from "./original.ts";
import { requireSharp } from "./sharp.ts";
import type { Switches } from "./switches.ts";

export type Format = "jpeg" | "png" | "webp" | "avif" | "gif";

/** px (O7) */
export const MAX_AVIF_SIDE = 1_200;
const DEFAULT_QUALITY = 85; // O5

/** Returns whether a rendition keeps all frames of an animation (O8). */
export function isAnimated(
  { type, frames }: RasterOriginal,
  { anim, format }: ImageOptions,
): boolean {
  const moves = format === "webp" || (format === undefined && /gif|webp/.test(type));
  return frames > 1 && anim !== false && moves;
}

export type Encoded = { readonly bytes: Uint8Array; readonly type: string };

/** How frames are encoded: 1–100, and the timing of the original. A PNG has all its colours only without a quality (O5). */
type Encoding = {
  readonly quality?: number | undefined;
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
  { format, quality }: ImageOptions,
  { qualities, metadata }: Pick<Switches, "qualities"> & Pick<Encoding, "metadata">,
): Promise<Encoded> {
  const isMoving = frames.length > 1 && format === undefined && source === "image/gif";
  const stillType = stillFormat(format ?? source, frames.some(isTransparent));
  return encodeAs(isMoving ? "gif" : stillType, frames, {
    quality: typeof quality === "string" ? qualities[quality] : quality,
    metadata,
  });
}

/**
 * Encodes frames in a format. GIF and WebP keep all frames, other formats only the first.
 * @throws if a side is too long for the format
 */
export async function encodeAs(
  format: Format,
  frames: Frames,
  { quality: chosen, metadata: { delay, loop } }: Encoding,
): Promise<Encoded> {
  const encoded = format === "gif" || format === "webp" ? frames : frames.slice(0, 1);
  const quality = chosen ?? DEFAULT_QUALITY;
  const { width, height } = frames[0];
  const pixels = requireSharp()(Buffer.concat(encoded.map(({ data }) => data)), {
    raw: { width, height: height * encoded.length, channels: 4, pageHeight: height },
    limitInputPixels: false,
  });
  const output = frames.some(isTransparent) ? pixels : pixels.removeAlpha();
  const timing = encoded.length > 1 ? { delay, loop } : {};
  // Low efforts, because they are fast. How small a rendition can be is not tested.
  const image = {
    // White, as for pad. Cloudflare does not document the background of a transparent JPEG.
    jpeg: () => output.flatten({ background: "white" }).jpeg({ quality }),
    webp: () => output.webp({ quality, lossless: quality === 100, effort: 2, ...timing }),
    avif: () => output.avif({ quality, effort: 0 }),
    gif: () => output.gif({ effort: 1, keepDuplicateFrames: true, ...timing }),
    png: () => (chosen === undefined ? output.png() : output.png({ palette: true, quality })),
  }[format]();
  return { bytes: await image.toBuffer(), type: `image/${format}` };
}

function isTransparent({ data }: Picture): boolean {
  for (let index = 3; index < data.length; index += 4) if (data[index] !== 255) return true;
  return false;
}

/** The requested format, that of the source, or one that can replace it (O6, R5). */
function stillFormat(
  requested: NonNullable<ImageOptions["format"]> | RasterOriginal["type"],
  transparent: boolean,
): Format {
  if (/jpeg/.test(requested)) return "jpeg";
  if (requested === "png" || requested === "png-force") return "png";
  if (requested === "avif") return "avif";
  if (/webp|avif/.test(requested)) return "webp";
  return transparent ? "png" : "jpeg"; // the edge prefers JPEG to PNG, and JPEG has no transparency (O6)
}
