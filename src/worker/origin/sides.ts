// Reads the sides of an original, as a browser shows it, from the first bytes of its object. Pure. The sides decide which
// format a rendition can have, which sides are requested, and at which quality. Anybody may have written the bytes, so
// what they do not tell for certain stays unknown: then the engine's answer decides. The picture is never decoded here.

import { imageDimensionsFromData } from "image-dimensions";
import type { PixelSize } from "../../url/rendition-size.ts";
import type { ObjectType } from "../http/refusal.ts";
import { latin1 } from "../util/bytes.ts";
import { isOpaque } from "./opaque.ts";
import { HEAD_BYTES } from "./opened-object.ts";

/**
 * Describes an original, as far as its first bytes tell: what a request to an engine depends on.
 * @param object its type, and its length in bytes
 * @param head its first bytes
 */
export function describeSource(
  { type, length }: { readonly type: ObjectType; readonly length: number | undefined },
  head: Uint8Array,
) {
  return { type, length, sides: uprightSides(type, head), isOpaque: isOpaque(type, head) };
}

/**
 * Returns the sides after the rotation that EXIF asks for, which an engine always applies (O9).
 * @param head the first bytes of the object
 * @returns undefined if these bytes do not tell the sides, or not whether they are exchanged
 */
export function uprightSides(type: ObjectType, head: Uint8Array): PixelSize | undefined {
  if (type === "image/jpeg") return uprightJpegSides(head);

  // The Images binding, or a server that ignores the range, may have sent more bytes. To search them all would take more
  // CPU time than a request has on the free plan.
  const firstBytes = head.subarray(0, HEAD_BYTES);
  const sides = readSides(firstBytes);
  if (!sides) return undefined;

  const isSquare = sides.width === sides.height;
  if (isSquare) return sides;

  switch (type) {
    case "image/gif":
      return sides;
    case "image/png":
      return isTurnedPng(firstBytes) ? { width: sides.height, height: sides.width } : sides;
    case "image/webp":
      return mayBeTurned(firstBytes) ? undefined : sides;
    default:
      // AVIF and HEIC may be turned by a property that is not read here.
      return undefined;
  }
}

function uprightJpegSides(head: Uint8Array): PixelSize | undefined {
  const turned = isTurned(head);
  if (turned === undefined) return undefined;

  const sides = readSides(head);
  if (!sides) return undefined;
  return turned ? { width: sides.height, height: sides.width } : sides;
}

/** @returns undefined if these bytes do not tell the sides */
function readSides(bytes: Uint8Array): PixelSize | undefined {
  const dimensions = imageDimensionsFromData(bytes);
  if (!dimensions) return undefined;

  const { width, height } = dimensions;
  const isEmpty = width === 0 || height === 0;
  return isEmpty ? undefined : { width, height };
}

/** Returns whether no side is longer, and one is shorter. A turned picture is not smaller: metadata may have turned it. */
export function isSmaller(sides: PixelSize, originalSides: PixelSize): boolean {
  const { width, height } = sides;
  if (width > originalSides.width || height > originalSides.height) return false;
  return width < originalSides.width || height < originalSides.height;
}

/** Returns whether later bytes may tell the sides. All formats but JPEG tell them in their first bytes, or never. */
export function mayTellSidesLater(type: ObjectType): boolean {
  return type === "image/jpeg";
}

/** The marker of a JPEG's segment "APP1", which may be EXIF. */
const APP1 = 0xe1;

/** The first segment behind which no EXIF counts: "start of scan". */
const START_OF_SCAN = 0xda;

/** The markers from here on have a length, except for those from RST0 to EOI. */
const FIRST_SEGMENT = 0xc0;
const RST0 = 0xd0;
const EOI = 0xd9;

/**
 * How many segments and fill bytes are read. A picture has some dozens. 30,000 of them, which fit into the first bytes,
 * would take more CPU time than a request has on the free plan.
 */
const MAX_STEPS = 1_000;

/**
 * Returns whether the EXIF data of a JPEG exchange its sides.
 * @returns undefined if that is not certain: decoders differ where something else stands in place of a segment
 */
function isTurned(head: Uint8Array): boolean | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let offset = 2; // behind the marker "start of image"

  // A segment is FF, its marker, its length in 2 bytes, which counts these 2, and its data.
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    if (offset + 4 > head.length) return false;
    if (view.getUint8(offset) !== 0xff) return undefined;

    const marker = view.getUint8(offset + 1);
    if (marker === START_OF_SCAN) return false;

    // More than one FF may stand before a marker.
    if (marker === 0xff) {
      offset += 1;
      continue;
    }

    const isWithoutLength = marker >= RST0 && marker <= EOI;
    if (marker < FIRST_SEGMENT || isWithoutLength) return undefined;

    const length = view.getUint16(offset + 2);
    const data = head.subarray(offset + 4, offset + 2 + length);
    if (marker === APP1 && startsWithText(data, "Exif\0\0")) {
      return isTurnedByExif(data.subarray(6));
    }
    offset += 2 + length;
  }
  return undefined;
}

function startsWithText(bytes: Uint8Array, text: string): boolean {
  return latin1(bytes.subarray(0, text.length)) === text;
}

/** The tag of the orientation in EXIF. */
const ORIENTATION = 0x0112;

/** An entry of EXIF: its tag, its type, its count, and its value. */
const ENTRY_BYTES = 12;

/** The orientations that exchange the sides are 5 to 8. */
const FIRST_TURNED = 5;
const LAST_TURNED = 8;

/** @param tiff begins with the order of the bytes: "II" for little-endian, "MM" for big-endian */
function isTurnedByExif(tiff: Uint8Array): boolean {
  if (tiff.length < 8) return false;

  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const isLittleEndian = startsWithText(tiff, "II");
  const directory = view.getUint32(4, isLittleEndian);
  if (directory + 2 > tiff.length) return false;

  const count = view.getUint16(directory, isLittleEndian);
  for (let index = 0; index < count; index++) {
    const entry = directory + 2 + index * ENTRY_BYTES;
    if (entry + ENTRY_BYTES > tiff.length) return false;

    const tag = view.getUint16(entry, isLittleEndian);
    if (tag !== ORIENTATION) continue;

    const orientation = view.getUint16(entry + 8, isLittleEndian);
    return orientation >= FIRST_TURNED && orientation <= LAST_TURNED;
  }
  return false;
}

/** In the flags of a WebP: it has EXIF data. They stand behind the picture. */
const WEBP_EXIF = 0x08;

/** Returns whether a WebP has EXIF data, which may exchange its sides. */
function mayBeTurned(head: Uint8Array): boolean {
  // Only the extended form, "VP8X", has flags: in byte 20.
  const isExtended = startsWithText(head.subarray(12), "VP8X");
  const flags = head[20] ?? 0;
  return isExtended && (flags & WEBP_EXIF) !== 0;
}

/** The first chunk behind the header of a PNG. */
const PNG_CHUNKS = 33;

/** What a chunk of a PNG has besides its data: a length, a name and a checksum of 4 bytes each. */
const CHUNK_FRAME_BYTES = 12;

/** Returns whether the EXIF data of a PNG exchange its sides. Data behind the picture, which are rare, are not read. */
function isTurnedPng(head: Uint8Array): boolean {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let offset = PNG_CHUNKS;

  while (offset + CHUNK_FRAME_BYTES <= head.length) {
    const data = head.subarray(offset + 8);
    if (startsWithText(head.subarray(offset + 4), "eXIf")) return isTurnedByExif(data);
    offset += CHUNK_FRAME_BYTES + view.getUint32(offset);
  }
  return false;
}
