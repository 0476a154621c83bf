// Which format a print gets, and its bytes: quality, frames and metadata.

import sharp, { type Metadata } from "sharp";
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

const COPYRIGHT = 0x8298;
const ORIENTATION = 0x0112;
const UPRIGHT = 1;
const LONGEST_SEGMENT = 0xffff - 2;
const EXIF = Uint8Array.of(0x45, 0x78, 0x69, 0x66, 0, 0);

/** What stays of EXIF data, with or without its `Exif\0\0` before it, in a JPEG (O9). */
function keptExif(exif: Uint8Array, metadata: Image["metadata"] = "copyright") {
  const marked = EXIF.every((byte, index) => exif[index] === byte);
  const tiff = exif.slice(marked ? EXIF.length : 0);
  if (metadata === "none") return undefined;
  if (metadata === "copyright") return onlyCopyright(tiff);
  // The pixels have been turned.
  const orientation = entry(tiff, ORIENTATION);
  orientation?.value.setUint16(0, UPRIGHT, orientation.littleEndian);
  return tiff;
}

/** Four bytes that hold the value of a tag of the image, or tell where it is; and its length. */
function entry(tiff: Uint8Array, tag: number) {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  if (tiff.length < 10) return undefined;
  const littleEndian = tiff[0] === 0x49;
  const start = view.getUint32(4, littleEndian);
  const last = tiff.length - 12;
  if (start + 2 > tiff.length) return undefined;
  const count = view.getUint16(start, littleEndian);
  for (let index = 0; index < count && start + 2 + index * 12 <= last; index += 1) {
    const at = start + 2 + index * 12;
    if (view.getUint16(at, littleEndian) !== tag) continue;
    const length = view.getUint32(at + 4, littleEndian);
    return { value: new DataView(tiff.buffer, tiff.byteOffset + at + 8, 4), length, littleEndian };
  }
  return undefined;
}

/** TIFF's header, one directory of one entry, and the text that this points to. */
function onlyCopyright(tiff: Uint8Array): Uint8Array | undefined {
  const found = entry(tiff, COPYRIGHT);
  if (found === undefined) return undefined;
  const { value, length, littleEndian } = found;
  const start = value.getUint32(0, littleEndian);
  const inPlace = new Uint8Array(value.buffer, value.byteOffset, 4);
  const text = length > 4 ? tiff.subarray(start, start + length) : inPlace.subarray(0, length);
  if (text.every((byte) => byte === 0 || byte === 0x20)) return undefined;
  // Padded, as a shorter one would stand in the entry.
  const padded = Math.max(text.length, 5);
  const bytes = new Uint8Array(26 + padded);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x4d4d002a); // big-endian
  view.setUint32(4, 8);
  view.setUint16(8, 1);
  view.setUint16(10, COPYRIGHT);
  view.setUint16(12, 2); // text
  view.setUint32(14, padded);
  view.setUint32(18, 26);
  bytes.set(text, 26);
  return bytes;
}

/** Puts EXIF data after a JPEG's first marker, unless it is too long for that. */
function withExif(jpeg: Uint8Array, tiff: Uint8Array | undefined): Uint8Array {
  const length = EXIF.length + (tiff?.length ?? 0);
  if (tiff === undefined || length > LONGEST_SEGMENT) return jpeg;
  const marker = Uint8Array.of(0xff, 0xe1, (length + 2) >> 8, (length + 2) & 0xff);
  return Buffer.concat([jpeg.subarray(0, 2), marker, EXIF, tiff, jpeg.subarray(2)]);
}
