// Encodes a rendition: its format, quality, frames and metadata.

import type { Metadata } from "sharp";
import { keptExif, withExif } from "./exif.ts";
import type { Frames } from "./frames.ts";
import type { Picture } from "./geometry.ts";
import type { ImageOptions } from "./image-options.ts";
import type { Original } from "./read-original.ts";
import { loadSharp } from "./sharp.ts";

/** The numbers behind the names of qualities, 1–100 (O5). */
export type Qualities = Readonly<Record<Extract<ImageOptions["quality"], string>, number>>;

/** What the edge encodes. */
export type Format = "jpeg" | "png" | "webp" | "avif" | "gif";

/** px (O7) */
export const LONGEST_AVIF_SIDE = 1_200;
const LONGEST_WEBP_SIDE = 16_383;
const DEFAULT_QUALITY = 85; // O5

/** Returns whether a rendition keeps all frames of an animation (O8). */
export function keepsFrames({ type, frames }: Original, { anim, format }: ImageOptions): boolean {
  const moves = format === "webp" || (format === undefined && /gif|webp/.test(type));
  return frames > 1 && anim !== false && moves;
}

/**
 * Encodes frames in the format that `cf.image` asks for (O5, O6, O8, O9, R5).
 * @param source the content-type of the original
 * @throws if a side is too long for the format
 */
export async function encode(
  frames: Frames,
  source: Original["type"],
  image: ImageOptions,
  { qualities, metadata }: { readonly qualities: Qualities; readonly metadata: Metadata },
): Promise<Encoded> {
  const format = outputFormat(frames, source, image, frames.some(isTransparent));
  const { delay, loop, exif } = metadata;
  return encodeAs(format, frames, {
    quality: typeof image.quality === "string" ? qualities[image.quality] : image.quality,
    progressive: image.format !== "baseline-jpeg",
    exif: exif && keptExif(exif, image.metadata),
    timing: { delay, loop },
  });
}

/** How frames are encoded. */
export type Encoding = {
  /** 1–100. A PNG has all its colours only without it (O5). */
  readonly quality?: number | undefined;
  /** Of a JPEG. */
  readonly progressive?: boolean;
  /** What a JPEG keeps of it (O9). */
  readonly exif: Uint8Array | undefined;
  readonly timing: Pick<Metadata, "delay" | "loop">;
};

export type Encoded = { readonly bytes: Uint8Array; readonly type: string };

/**
 * Encodes frames in a format. GIF and WebP keep all of them, the others the first one.
 * @throws if a side is too long for the format
 */
export async function encodeAs(
  format: Format,
  frames: Frames,
  { quality: asked, progressive = true, exif, timing: all }: Encoding,
): Promise<Encoded> {
  const shown = format === "gif" || format === "webp" ? frames : frames.slice(0, 1);
  const quality = asked ?? DEFAULT_QUALITY;
  const { width, height } = frames[0];
  const pixels = loadSharp()(Buffer.concat(shown.map(({ data }) => data)), {
    raw: { width, height: height * shown.length, channels: 4, pageHeight: height },
    limitInputPixels: false,
  });
  const output = frames.some(isTransparent) ? pixels : pixels.removeAlpha();
  const timing = shown.length > 1 ? all : {};
  // Low efforts, because they are fast. How small a rendition can be is not tested.
  switch (format) {
    case "jpeg": {
      // White, as for pad. Cloudflare does not document the background of a transparent JPEG.
      const jpeg = output.flatten({ background: "white" }).jpeg({ quality, progressive });
      return { bytes: withExif(await jpeg.toBuffer(), exif), type: "image/jpeg" };
    }
    case "webp": {
      const webp = output.webp({ quality, lossless: quality === 100, effort: 2, ...timing });
      return { bytes: await webp.toBuffer(), type: "image/webp" };
    }
    case "avif":
      return { bytes: await output.avif({ quality, effort: 0 }).toBuffer(), type: "image/avif" };
    case "gif": {
      const gif = output.gif({ effort: 1, keepDuplicateFrames: true, ...timing });
      return { bytes: await gif.toBuffer(), type: "image/gif" };
    }
    case "png": {
      const png = asked === undefined ? output.png() : output.png({ palette: true, quality });
      return { bytes: await png.toBuffer(), type: "image/png" };
    }
  }
}

function isTransparent({ data }: Picture): boolean {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return true;
  return false;
}

/** The format that was asked for, that of the source, or one that can replace it (O6, R5). */
function outputFormat(
  [{ width, height }, ...others]: Frames,
  source: Original["type"],
  { format, compression }: ImageOptions,
  transparent: boolean,
): Format {
  const still = stillFormat(format ?? source, transparent);
  const moves = others.length > 0;
  if (moves && format === undefined && source === "image/gif") return "gif";
  if (compression === "fast" && !moves && format !== "png-force") {
    return still === "jpeg" ? "jpeg" : plain(transparent);
  }
  return still === "webp" && Math.max(width, height) > LONGEST_WEBP_SIDE ? "jpeg" : still;
}

function stillFormat(
  asked: NonNullable<ImageOptions["format"]> | Original["type"],
  transparent: boolean,
) {
  switch (asked) {
    case "jpeg":
    case "baseline-jpeg":
    case "image/jpeg":
      return "jpeg";
    case "png":
    case "png-force":
      return "png";
    case "webp":
    case "image/webp":
    case "image/avif":
      return "webp";
    case "avif":
      return "avif";
    default:
      return plain(transparent);
  }
}

/** The edge prefers JPEG to PNG (O6). JPEG has no transparency. */
const plain = (transparent: boolean) => (transparent ? "png" : "jpeg");
