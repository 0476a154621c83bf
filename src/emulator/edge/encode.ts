// Which format a print gets, and its bytes: quality, frames and metadata.

import sharp, { type Metadata } from "sharp";
import { keptExif, withExif } from "./exif.ts";
import type { Image, Picture } from "./geometry.ts";
import type { Original } from "./original.ts";

/** What the names of qualities stand for, 1–100 (O5). */
export type Qualities = Readonly<Record<Extract<Image["quality"], string>, number>>;

type Format = "jpeg" | "png" | "webp" | "avif" | "gif";

const LONGEST_WEBP_SIDE = 16_383;
const DEFAULT_QUALITY = 85; // O5

/** Whether all frames of an animation are kept (O8). */
export function keepsFrames({ type, frames }: Original, { anim, format }: Image): boolean {
  const moves = format === "webp" || (format === undefined && /gif|webp/.test(type));
  return frames > 1 && anim !== false && moves;
}

/**
 * Encodes the frames of a print (O5, O6, O8, O9, R5).
 * @param source the original's content-type
 * @throws where a side is too long for the format
 */
export async function encode(
  frames: readonly [Picture, ...Picture[]],
  source: Original["type"],
  image: Image,
  { qualities, metadata }: { readonly qualities: Qualities; readonly metadata: Metadata },
): Promise<{ bytes: Uint8Array; type: string }> {
  const transparent = frames.some(isTransparent);
  const format = outputFormat(frames, source, image, transparent);
  const shown = format === "gif" || format === "webp" ? frames : frames.slice(0, 1);
  const { width, height } = frames[0];
  const pixels = sharp(Buffer.concat(shown.map(({ data }) => data)), {
    raw: { width, height: height * shown.length, channels: 4, pageHeight: height },
    limitInputPixels: false,
  });
  // Where nothing shines through there is no need to say so.
  const print = transparent ? pixels : pixels.removeAlpha();
  const { delay, loop, exif } = metadata;
  const timing = shown.length > 1 ? { delay, loop } : {};
  const quality =
    typeof image.quality === "string"
      ? qualities[image.quality]
      : (image.quality ?? DEFAULT_QUALITY);
  // Low efforts throughout: what is tested is not how small a print can be.
  switch (format) {
    case "jpeg": {
      const progressive = image.format !== "baseline-jpeg";
      // White, as underneath pad. What Cloudflare lays under a transparent JPEG is not documented.
      const jpeg = print.flatten({ background: "white" }).jpeg({ quality, progressive });
      const kept = exif && keptExif(exif, image.metadata);
      return { bytes: withExif(await jpeg.toBuffer(), kept), type: "image/jpeg" };
    }
    case "webp": {
      const webp = print.webp({ quality, lossless: quality === 100, effort: 2, ...timing });
      return { bytes: await webp.toBuffer(), type: "image/webp" };
    }
    case "avif":
      return { bytes: await print.avif({ quality, effort: 0 }).toBuffer(), type: "image/avif" };
    case "gif": {
      const gif = print.gif({ effort: 1, keepDuplicateFrames: true, ...timing });
      return { bytes: await gif.toBuffer(), type: "image/gif" };
    }
    case "png":
      return { bytes: await print.png().toBuffer(), type: "image/png" };
  }
}

function isTransparent({ data }: Picture): boolean {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return true;
  return false;
}

/** The format asked for, the source's, or what can stand in for it (O6, R5). */
function outputFormat(
  [{ width, height }, ...others]: readonly [Picture, ...Picture[]],
  source: Original["type"],
  { format, compression }: Image,
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

function stillFormat(asked: NonNullable<Image["format"]> | Original["type"], transparent: boolean) {
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

/** JPEG is preferred to PNG (O6), but cannot be seen through. */
const plain = (transparent: boolean) => (transparent ? "png" : "jpeg");
