// Removes the metadata of a picture: EXIF, XMP, IPTC, comments, and whatever else is not needed to show it. Its
// colour profile stays. Metadata can tell where a photograph was taken, and nobody knows what the Images binding
// keeps of them (B9 in docs/rules.md). So only parts that are known to be needed stay, and a picture that cannot be
// read to its end is refused. Pure.

import type { ObjectType } from "../http/refusal.ts";
import { concatBytes } from "../util/bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** @returns undefined if the picture is broken or of another type, or if its metadata cannot be removed */
export function stripMetadata(type: ObjectType, bytes: Bytes): Bytes | undefined {
  switch (type) {
    case "image/jpeg":
      return stripJpeg(bytes);
    case "image/png":
      return stripPng(bytes);
    case "image/webp":
      return stripWebp(bytes);
    case "image/avif":
      return hasAvifMetadata(bytes) ? undefined : bytes;
    default:
      return undefined;
  }
}

// JPEG: segments. Each begins with a marker: the byte 0xff, and a byte that names the marker.
//
//   0xff 0xd8                          the start of the picture, without content
//   0xff <marker> <length> <content>   a segment; the two bytes of the length count themselves, too
//   0xff 0xda <length> <content> ...   a scan; behind it stand the coded pixels, until the next marker
//   0xff 0xd9                          the end of the picture, without content

/** The first byte of each marker. */
const MARKER_PREFIX = 0xff;

// The second bytes of markers, by their names in the standard.
const SOI = 0xd8; // start of image
const EOI = 0xd9; // end of image
const SOS = 0xda; // start of scan
const APP0 = 0xe0; // segments of applications
const APP2 = 0xe2;
const APP14 = 0xee;

/**
 * Copies a JPEG without its metadata, also where metadata stand between the scans, or behind the picture.
 * @returns undefined if the bytes are no whole JPEG
 */
function stripJpeg(jpeg: Uint8Array): Bytes | undefined {
  if (jpeg[0] !== MARKER_PREFIX || jpeg[1] !== SOI) return undefined;

  const parts = [jpeg.subarray(0, 2)];
  let hasScan = false;
  let position = 2;

  while (jpeg[position] === MARKER_PREFIX) {
    // More 0xff bytes may stand before a marker. They are left out.
    while (jpeg[position + 1] === MARKER_PREFIX) position += 1;
    const marker = jpeg[position + 1];

    if (marker === EOI) {
      if (!hasScan) return undefined;
      parts.push(jpeg.subarray(position, position + 2));
      return concatBytes(parts); // what stands behind the end is left out
    }

    const segmentEnd = findSegmentEnd(jpeg, position);
    if (segmentEnd === undefined) return undefined;

    // A part is a segment, and for a scan also the coded pixels behind it.
    const isScan = marker === SOS;
    const partEnd = isScan ? findScanEnd(jpeg, segmentEnd) : segmentEnd;
    const part = jpeg.subarray(position, partEnd);
    if (isNeeded(part)) parts.push(part);

    hasScan ||= isScan;
    position = partEnd;
  }

  // The bytes end before EOI, or something else stands where a marker should be.
  return undefined;
}

/** @returns where a segment ends; undefined if it is none, or if nothing follows it, so that the EOI is missing */
function findSegmentEnd(jpeg: Uint8Array, start: number): number | undefined {
  const marker = jpeg[start + 1];
  if (marker === undefined || marker < 0xc0) return undefined; // no segment has it

  const lengthAt = start + 2;
  if (lengthAt + 2 > jpeg.length) return undefined;
  const length = viewOf(jpeg).getUint16(lengthAt);
  if (length < 2) return undefined; // a length counts its own two bytes

  const segmentEnd = lengthAt + length;
  return segmentEnd < jpeg.length ? segmentEnd : undefined;
}

/**
 * Returns where the coded pixels of a scan end: at the next marker. Inside of them, 0xff is followed by 0, if it is a
 * byte of the picture, or by a restart marker (0xd0 to 0xd7), which belongs to the scan.
 */
function findScanEnd(jpeg: Uint8Array, scanStart: number): number {
  let position = jpeg.indexOf(MARKER_PREFIX, scanStart);
  while (position >= 0) {
    const next = jpeg[position + 1] ?? 0;
    const isRestart = next >= 0xd0 && next <= 0xd7;
    if (next !== 0 && !isRestart) return position;
    position = jpeg.indexOf(MARKER_PREFIX, position + 2); // behind these two bytes
  }
  return jpeg.length; // broken: the caller finds no marker there
}

/** Returns whether a JPEG is not shown right without this segment. */
function isNeeded(segment: Uint8Array): boolean {
  const marker = segment[1] ?? 0;

  // Frames, Huffman tables and arithmetic coding.
  if (marker >= 0xc0 && marker <= 0xcf) return true;

  // Scans, quantization tables, the number of lines, and the restart interval.
  if (marker >= SOS && marker <= 0xdd) return true;

  // Segments of applications decide the colours if they begin with one of these names. All others are metadata. The
  // names stand behind the marker and the length.
  const content = latin1(segment.subarray(4, 16));
  switch (marker) {
    case APP0:
      // It has 18 bytes. A longer one has a thumbnail, which may show what was cropped.
      return content.startsWith("JFIF\0") && segment.length <= 18;
    case APP2:
      return content.startsWith("ICC_PROFILE\0");
    case APP14:
      // It has 16 bytes. A longer one holds something else, too.
      return content.startsWith("Adobe") && segment.length <= 16;
    default:
      return false;
  }
}

// PNG: a signature of 8 bytes, and chunks.
//
//   <length: 4 bytes> <type: 4 letters> <content> <checksum: 4 bytes>   a chunk; the length is that of the content

const PNG_SIGNATURE_BYTES = 8;

/** The length, the type and the checksum of a chunk. */
const PNG_CHUNK_FRAME_BYTES = 12;

/** The chunks that a PNG needs to be shown, with its colours and its animation. */
const PNG_CHUNKS: ReadonlySet<string> = new Set([
  "IHDR", // the header
  "PLTE", // the palette
  "IDAT", // the pixels
  "IEND", // the end
  "tRNS", // transparency
  "bKGD", // the background
  "pHYs", // the ratio of a pixel's sides

  // Colours
  "cHRM",
  "gAMA",
  "iCCP",
  "sBIT",
  "sRGB",
  "cICP",
  "mDCV",
  "cLLI",

  // An animation
  "acTL",
  "fcTL",
  "fdAT",
]);

/** @returns undefined if the bytes are no whole PNG */
function stripPng(png: Uint8Array): Bytes | undefined {
  const view = viewOf(png);
  const parts = [png.subarray(0, PNG_SIGNATURE_BYTES)];
  let position = PNG_SIGNATURE_BYTES;

  while (position + PNG_CHUNK_FRAME_BYTES <= png.length) {
    const length = view.getUint32(position);
    const chunkEnd = position + PNG_CHUNK_FRAME_BYTES + length;
    if (chunkEnd > png.length) return undefined;

    const type = readType(png, position + 4);
    if (PNG_CHUNKS.has(type)) parts.push(png.subarray(position, chunkEnd));
    if (type === "IEND") return concatBytes(parts); // what stands behind the end is left out
    position = chunkEnd;
  }

  return undefined; // the bytes end before IEND
}

// WebP: a header, and chunks. All numbers are little-endian.
//
//   "RIFF" <size: 4 bytes> "WEBP"                             the header; the size is that of all that follows it
//   <type: 4 letters> <length: 4 bytes> <content> [a 0 byte]  a chunk; the 0 makes an odd length even

const LITTLE_ENDIAN = true;

const WEBP_HEADER_BYTES = 12;

/** What the size in the header does not count: "RIFF", and the size itself. */
const RIFF_BYTES = 8;

/** Where the size stands in the header. */
const RIFF_SIZE_AT = 4;

/** The type and the length of a chunk. */
const WEBP_CHUNK_HEADER_BYTES = 8;

/** The chunks that a WebP needs. */
const WEBP_CHUNKS: ReadonlySet<string> = new Set([
  "VP8 ", // the pixels, lossy
  "VP8L", // the pixels, lossless
  "VP8X", // the header of an extended WebP
  "ALPH", // transparency
  "ANIM", // an animation
  "ANMF", // a frame of it
  "ICCP", // the colour profile
]);

/** The bits by which an extended WebP says that it has EXIF or XMP. */
const WEBP_METADATA_FLAGS = 0b1100;

/** @returns undefined if the bytes are no whole WebP */
function stripWebp(webp: Uint8Array): Bytes | undefined {
  if (webp.length < WEBP_HEADER_BYTES) return undefined;

  const view = viewOf(webp);
  const webpEnd = RIFF_BYTES + view.getUint32(RIFF_SIZE_AT, LITTLE_ENDIAN);
  if (webpEnd > webp.length || webpEnd < WEBP_HEADER_BYTES) return undefined;

  const parts = [webp.subarray(0, WEBP_HEADER_BYTES)];
  let position = WEBP_HEADER_BYTES;

  while (position < webpEnd) {
    const contentAt = position + WEBP_CHUNK_HEADER_BYTES;
    if (contentAt > webpEnd) return undefined;

    const contentEnd = contentAt + view.getUint32(position + 4, LITTLE_ENDIAN);
    if (contentEnd > webpEnd) return undefined;

    // Each chunk begins at an even place, so at an odd end, a 0 byte follows. Behind the last chunk it may be missing.
    const padding = contentEnd % 2;
    const chunkEnd = Math.min(webpEnd, contentEnd + padding);
    const type = readType(webp, position);
    if (WEBP_CHUNKS.has(type)) parts.push(webp.subarray(position, chunkEnd));
    position = chunkEnd;
  }

  const result = concatBytes(parts);
  viewOf(result).setUint32(RIFF_SIZE_AT, result.length - RIFF_BYTES, LITTLE_ENDIAN);

  // An extended WebP begins with the chunk VP8X. The first byte of its content has flags, two of which announce metadata.
  const isExtended = readType(result, WEBP_HEADER_BYTES) === "VP8X";
  const flagsAt = WEBP_HEADER_BYTES + WEBP_CHUNK_HEADER_BYTES;
  const flags = result[flagsAt];
  if (isExtended && flags !== undefined) result[flagsAt] = flags & ~WEBP_METADATA_FLAGS;
  return result;
}

// AVIF: boxes.
//
//   <size: 4 bytes> <type: 4 letters> <content>   a box; the size is that of the whole box
//
// The size 0 says that the box goes on up to the end of the file.
//
// Its metadata are items, as its pictures are. Tables in the box "meta" say where in "mdat" the bytes of each item
// stand, so nothing can be cut out. But an item has an entry "infe", which names its type.

const AVIF_BOX_HEADER_BYTES = 8;

/** The boxes that an AVIF needs, and those of empty space. */
const AVIF_BOXES: ReadonlySet<string> = new Set(["ftyp", "meta", "moov", "mdat", "free", "skip"]);

/**
 * The entry of an item that is no picture. Between "infe" and the type stand 8 bytes: the version and flags (4), the id
 * of the item (2), and the index of its protection (2). A long id has 2 bytes more. "." is any byte.
 */
const AVIF_METADATA = /infe.{8}(?:..)?(?:Exif|mime|uri )/s;

/** Returns whether an AVIF has metadata, or may have some: a box is not known, or is not whole. */
function hasAvifMetadata(avif: Uint8Array): boolean {
  const view = viewOf(avif);
  let position = 0;

  while (position < avif.length) {
    const available = avif.length - position;
    if (available < AVIF_BOX_HEADER_BYTES) return true;

    let size = view.getUint32(position);
    if (size === 0) size = available;
    if (size < AVIF_BOX_HEADER_BYTES || size > available) return true;

    const type = readType(avif, position + 4);
    if (!AVIF_BOXES.has(type)) return true;

    // The bytes of pictures may look like anything, so "mdat" is not searched.
    const box = avif.subarray(position, position + size);
    if (type !== "mdat" && AVIF_METADATA.test(latin1(box))) return true;
    position += size;
  }

  return false;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Reads the four letters of the type of a chunk or a box. */
function readType(bytes: Uint8Array, position: number): string {
  return latin1(bytes.subarray(position, position + 4));
}

/** Reads each byte as one character. */
function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
