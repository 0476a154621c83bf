// Reads the bytes that an origin sent: as an image that the edge can transform, as an SVG, or as
// neither. The bytes decide. The content-type is never read.

import type { Fault } from "./faults.ts";
import { requireSharp } from "./sharp.ts";
import type { Switches } from "./switches.ts";

/** The formats that the edge reads, by sharp's names for them (L1). */
const TYPES = {
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  gif: "image/gif",
  heif: "image/avif", // the build of sharp used here decodes only AVIF of this family
} as const;

/** How the bytes of these formats begin. The last one has a brand. */
const SIGNATURE =
  /^(?:\xff\xd8\xff|\x89PNG\r\n|GIF8[79]a|RIFF.{4}WEBP|.{4}ftyp(?<brand>avif|avis|he\w\w|mif1|msf1))/s;

/** A TIFF, in either order of bytes. */
const TIFF = /^(?:II\*\0|MM\0\*)/;

/** How an SVG begins: perhaps a BOM, an XML declaration, comments and a doctype come before its root. */
const SVG =
  /^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*|<!DOCTYPE svg[^>[]*(?:\[[^\]]*\]\s*)?>\s*)*<svg[\s>]/is;

/** JPEG XL: the codestream alone, or in a container. */
const JPEG_XL = ["\xff\x0a", "\0\0\0\x0cJXL \r\n\x87\n"];

/** In px. */
export type PixelSize = { readonly width: number; readonly height: number };

/** Pixels of sRGB: four bytes each (red, green, blue, alpha), row by row, not premultiplied. */
export type Picture = PixelSize & { readonly data: Uint8Array };

/** An image that the edge can transform. */
export type RasterOriginal = {
  readonly bytes: Uint8Array;
  readonly type: (typeof TYPES)[keyof typeof TYPES];
  /** As stored: before the rotation that EXIF asks for (O9), and of one frame. */
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** After the rotation that EXIF asks for. */
  readonly upright: PixelSize;
};

/** An SVG. The edge passes it on and does not resize it (R8). */
export type SvgOriginal = { readonly type: "image/svg+xml"; readonly svg: string };

const UNSUPPORTED: Fault = { code: 9520, status: 415 };

/** Reads an original, or returns why the edge cannot. @param read reads the head of an image */
export async function identifyOriginal(
  bytes: Uint8Array,
  switches: Pick<Switches, "limits" | "avifInput" | "heicInput">,
  read: typeof readHead,
): Promise<RasterOriginal | SvgOriginal | Fault> {
  const start = String.fromCharCode(...bytes.subarray(0, 1024));
  if (SVG.test(start)) return { type: "image/svg+xml", svg: new TextDecoder().decode(bytes) };

  const fault = findFormatFault(start, switches);
  if (fault !== undefined) return fault;

  const head = await read(bytes);
  if (head === undefined) return { code: 9516, status: 422 };

  const { limits } = switches;
  const { width, height } = head;
  const isTooLarge = Math.max(width, height) > limits.side || width * height > limits.pixels;
  return isTooLarge ? { code: 9413, status: 403 } : { bytes, ...head };
}

/**
 * Returns why the edge does not read a format (L1).
 * @param start the first bytes, a character each
 * @throws for a HEIC that the edge may accept: nobody knows
 */
function findFormatFault(
  start: string,
  { avifInput, heicInput }: Pick<Switches, "avifInput" | "heicInput">,
): Fault | undefined {
  if (TIFF.test(start)) return UNSUPPORTED;

  const isJpegXl = JPEG_XL.some((signature) => start.startsWith(signature));
  if (isJpegXl) return { code: 9420, status: 415 };

  const signature = SIGNATURE.exec(start);
  if (signature === null) return { code: 9412, status: 415 };

  const brand = signature.groups?.["brand"];
  if (brand === undefined) return undefined;
  if (brand.startsWith("avi")) return avifInput ? undefined : UNSUPPORTED;

  if (!heicInput) return { code: 9412, status: 415 };
  throw new Error("the strict edge cannot read HEIC, which the edge may accept (L1)");
}

/** Reads the head of an image with sharp. Undefined: it cannot be decoded. */
export async function readHead(
  bytes: Uint8Array,
): Promise<Omit<RasterOriginal, "bytes"> | undefined> {
  const image = requireSharp()(bytes, { limitInputPixels: false, failOn: "none" });
  const metadata = await image.metadata().catch(() => undefined);
  if (metadata === undefined) return undefined;

  const type = Object.entries(TYPES).find(([name]) => name === metadata.format)?.[1];
  if (type === undefined) return undefined;

  const { width, height, pages: frames = 1, autoOrient: upright } = metadata; // of one frame
  return { type, width, height, frames, upright };
}
