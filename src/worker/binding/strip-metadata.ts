// Removes the metadata of a picture: EXIF, XMP, IPTC, comments, and whatever else is not needed to show it.
// Its colour profile stays. Pure.

import type { ObjectType } from "../http/refusal.ts";
import { concatBytes } from "../util/bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** By type. The Worker removes metadata, as nobody knows whether the binding does (B9). */
const STRIP: { readonly [Type in ObjectType]?: (bytes: Bytes) => Bytes | undefined } = {
  "image/jpeg": stripJpeg,
  "image/png": stripPng,
  "image/webp": stripWebp,
  "image/avif": checkAvif,
};

/** @returns undefined if the picture is broken or of another type, or if its metadata cannot be removed */
export function stripMetadata(type: ObjectType, bytes: Bytes): Bytes | undefined {
  return STRIP[type]?.(bytes);
}

/** Markers of a JPEG: its first one, its last one, and the start of a scan. */
const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;

/** Frames and tables (C0–CF), quantization (DB), the number of lines (DC), intervals (DD), and scans. */
const PICTURE: ReadonlySet<number> = new Set([
  ...Array.from({ length: 16 }, (_, at) => 0xc0 + at),
  ...[SOS, 0xdb, 0xdc, 0xdd],
]);

/** What decides the colours: ICC profiles, JFIF without a thumbnail, and Adobe's marker of the colour space. */
const COLOURS: Readonly<Record<number, readonly [name: string, maxLength?: number]>> = {
  224: ["JFIF\0", 18],
  226: ["ICC_PROFILE\0"],
  238: ["Adobe", 16],
};

/**
 * Copies a JPEG without its metadata, also where metadata stands between the scans or behind the picture.
 * @returns undefined if the bytes are no JPEG
 */
function stripJpeg(jpeg: Uint8Array): Bytes | undefined {
  if (jpeg[0] !== 0xff || jpeg[1] !== SOI) return undefined;
  const parts = [jpeg.subarray(0, 2)];
  for (let at = 2, hasScan = false; ; ) {
    if (jpeg[at] !== 0xff) return undefined;
    while (jpeg[at + 1] === 0xff) at++; // any number of 0xff bytes may stand before a marker
    const [marker = 0, high = 0, low = 0] = jpeg.subarray(at + 1, at + 4);
    if (marker === EOI)
      return hasScan ? concatBytes([...parts, jpeg.subarray(at, at + 2)]) : undefined;
    const segmentEnd = at + 2 + high * 256 + low;
    if (marker < 0xc0 || segmentEnd < at + 4 || segmentEnd >= jpeg.length) return undefined;
    const next = marker === SOS ? endOfScan(jpeg, segmentEnd) : segmentEnd;
    const segment = jpeg.subarray(at, next);
    if (isNeeded(marker, segment)) parts.push(segment);
    hasScan ||= marker === SOS;
    at = next;
  }
}

/** Where the next marker is: one that is neither a byte of the picture nor a restart. */
function endOfScan(jpeg: Uint8Array, scanStart: number): number {
  for (let at = scanStart; ; at += 2) {
    at = jpeg.indexOf(0xff, at);
    if (at < 0) return jpeg.length;
    const marker = jpeg[at + 1] ?? 0;
    if (marker !== 0 && (marker < 0xd0 || marker > 0xd7)) return at;
  }
}

function isNeeded(marker: number, segment: Uint8Array): boolean {
  const [name, maxLength = Number.POSITIVE_INFINITY] = COLOURS[marker] ?? [];
  if (name === undefined) return PICTURE.has(marker);
  const begins = String.fromCharCode(...segment.subarray(4, 4 + name.length)) === name;
  return begins && segment.length <= maxLength;
}

/** The chunks that a PNG needs to be shown, with its colours and its animation. */
const PNG =
  /IHDR|PLTE|IDAT|IEND|tRNS|cHRM|gAMA|iCCP|sBIT|sRGB|cICP|mDCV|cLLI|bKGD|pHYs|acTL|fcTL|fdAT/;
const PNG_HEADER_BYTES = 8;

/** The chunks that a WebP needs. */
const WEBP = /VP8[ LX]|ALPH|ANIM|ANMF|ICCP/;
const WEBP_HEADER_BYTES = 12;
/** The bits by which an extended WebP says that it has EXIF or XMP. */
const WEBP_METADATA = 0x0c;

/** The boxes of an AVIF, and its items that are no pictures. "." is any byte. */
const AVIF = /ftyp|meta|moov|mdat|free|skip/;
const AVIF_METADATA = /infe.{8}(?:..)?(?:Exif|mime|uri )/s;

/** @returns undefined if the bytes are no whole PNG */
function stripPng(png: Uint8Array): Bytes | undefined {
  const parts = [png.subarray(0, PNG_HEADER_BYTES)];
  for (let at = PNG_HEADER_BYTES; ; ) {
    const next = at + 12 + uint32(png, at);
    if (next > png.length) return undefined;
    const type = typeAt(png, at + 4);
    if (PNG.test(type)) parts.push(png.subarray(at, next));
    if (type === "IEND") return concatBytes(parts);
    at = next;
  }
}

/** @returns undefined if the bytes are no whole WebP */
function stripWebp(webp: Uint8Array): Bytes | undefined {
  const size = view(webp).getUint32(4, true) + 8;
  if (size > webp.length || size < WEBP_HEADER_BYTES) return undefined;
  const parts = [webp.subarray(0, WEBP_HEADER_BYTES)];
  for (let at = WEBP_HEADER_BYTES; at < size; ) {
    const chunkEnd = at + 8 + (at + 8 > size ? 0 : view(webp).getUint32(at + 4, true));
    if (chunkEnd > size) return undefined;
    const next = Math.min(size, chunkEnd + (chunkEnd % 2)); // chunks have even lengths
    if (WEBP.test(typeAt(webp, at))) parts.push(webp.subarray(at, next));
    at = next;
  }
  const result = concatBytes(parts);
  view(result).setUint32(4, result.length - 8, true);
  if (typeAt(result, WEBP_HEADER_BYTES) === "VP8X") {
    result[WEBP_HEADER_BYTES + 8] = (result[WEBP_HEADER_BYTES + 8] ?? 0) & ~WEBP_METADATA;
  }
  return result;
}

/** @returns undefined if the bytes are no whole AVIF, or have metadata, which cannot be cut out */
function checkAvif(avif: Bytes): Bytes | undefined {
  for (let at = 0; at < avif.length; ) {
    const remaining = avif.length - at;
    const size = remaining < 8 ? 0 : uint32(avif, at) || remaining; // 0: to the end
    const box = avif.subarray(at, at + size);
    const type = typeAt(avif, at + 4);
    if (size < 8 || box.length < size || !AVIF.test(type)) return undefined;
    if (type !== "mdat" && AVIF_METADATA.test(latin1(box))) return undefined;
    at += size;
  }
  return avif;
}

function view({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** @returns more than any length where there are no four bytes */
function uint32(bytes: Uint8Array, at: number): number {
  return at + 4 > bytes.length ? 2 ** 32 : view(bytes).getUint32(at);
}

function typeAt(bytes: Uint8Array, at: number): string {
  return latin1(bytes.subarray(at, at + 4));
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
