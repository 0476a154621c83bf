// EXIF data in a JPEG: which of them stay, byte for byte (O9).

import type { ImageOptions } from "./image-options.ts";

const COPYRIGHT = 0x8298;
const ORIENTATION = 0x0112;
const UPRIGHT = 1;
const LONGEST_SEGMENT = 0xffff - 2;
const EXIF = Uint8Array.of(0x45, 0x78, 0x69, 0x66, 0, 0);

/** Returns the EXIF data that stay in a JPEG (O9). They may begin with `Exif\0\0`. */
export function keptExif(exif: Uint8Array, metadata: ImageOptions["metadata"] = "copyright") {
  const marked = EXIF.every((byte, index) => exif[index] === byte);
  const tiff = exif.slice(marked ? EXIF.length : 0);
  if (metadata === "none") return undefined;
  if (metadata === "copyright") return onlyCopyright(tiff);
  // The pixels are already upright.
  const orientation = entry(tiff, ORIENTATION);
  orientation?.value.setUint16(0, UPRIGHT, orientation.littleEndian);
  return tiff;
}

/** Finds a tag: the four bytes with its value, or with the offset of its value, and its length. */
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

/** Writes a TIFF header, a directory with one entry, and the copyright text. */
function onlyCopyright(tiff: Uint8Array): Uint8Array | undefined {
  const found = entry(tiff, COPYRIGHT);
  if (found === undefined) return undefined;
  const { value, length, littleEndian } = found;
  const start = value.getUint32(0, littleEndian);
  const inPlace = new Uint8Array(value.buffer, value.byteOffset, 4);
  const text = length > 4 ? tiff.subarray(start, start + length) : inPlace.subarray(0, length);
  if (text.every((byte) => byte === 0 || byte === 0x20)) return undefined;
  // A text of up to four bytes would stand in the entry itself. Padding avoids that case.
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

/** Puts EXIF data after the first marker of a JPEG. Data that are too long are dropped. */
export function withExif(jpeg: Uint8Array, tiff: Uint8Array | undefined): Uint8Array {
  const length = EXIF.length + (tiff?.length ?? 0);
  if (tiff === undefined || length > LONGEST_SEGMENT) return jpeg;
  const marker = Uint8Array.of(0xff, 0xe1, (length + 2) >> 8, (length + 2) & 0xff);
  return Buffer.concat([jpeg.subarray(0, 2), marker, EXIF, tiff, jpeg.subarray(2)]);
}
