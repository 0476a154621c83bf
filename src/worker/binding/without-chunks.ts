// Removes what a PNG or a WebP says besides its picture, and finds it in an AVIF. Pure.

import { concatBytes } from "../util/bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What a PNG needs to be shown; with its colours, and an animation. */
const PNG =
  /IHDR|PLTE|IDAT|IEND|tRNS|cHRM|gAMA|iCCP|sBIT|sRGB|cICP|mDCV|cLLI|bKGD|pHYs|acTL|fcTL|fdAT/;
const PNG_BEGINNING = 8; // bytes

/** The same for a WebP. */
const WEBP = /VP8[ LX]|ALPH|ANIM|ANMF|ICCP/;
const WEBP_BEGINNING = 12; // bytes
/** The bits by which an extended WebP says that it has EXIF or XMP. */
const WEBP_METADATA = 0x0c;

/** The boxes of an AVIF, and its items that are no pictures. "." is any byte. */
const AVIF = /ftyp|meta|moov|mdat|free|skip/;
const AVIF_METADATA = /infe.{8}(?:..)?(?:Exif|mime|uri )/s;

/** @returns undefined if it is no whole PNG */
export function pngWithout(png: Uint8Array): Bytes | undefined {
  const kept = [png.subarray(0, PNG_BEGINNING)];
  for (let at = PNG_BEGINNING; ; ) {
    const end = at + 12 + uint32(png, at);
    if (end > png.length) return undefined;
    const type = typeAt(png, at + 4);
    if (PNG.test(type)) kept.push(png.subarray(at, end));
    if (type === "IEND") return concatBytes(kept);
    at = end;
  }
}

/** @returns undefined if it is no whole WebP */
export function webpWithout(webp: Uint8Array): Bytes | undefined {
  const size = view(webp).getUint32(4, true) + 8;
  if (size > webp.length || size < WEBP_BEGINNING) return undefined;
  const kept = [webp.subarray(0, WEBP_BEGINNING)];
  for (let at = WEBP_BEGINNING; at < size; ) {
    const end = at + 8 + (at + 8 > size ? 0 : view(webp).getUint32(at + 4, true));
    if (end > size) return undefined;
    const next = Math.min(size, end + (end % 2)); // chunks have even lengths
    if (WEBP.test(typeAt(webp, at))) kept.push(webp.subarray(at, next));
    at = next;
  }
  const result = concatBytes(kept);
  view(result).setUint32(4, result.length - 8, true);
  if (typeAt(result, WEBP_BEGINNING) === "VP8X") {
    result[WEBP_BEGINNING + 8] = (result[WEBP_BEGINNING + 8] ?? 0) & ~WEBP_METADATA;
  }
  return result;
}

/** @returns undefined if it is no whole AVIF, or has metadata: they cannot be cut out of it */
export function avifWithout(avif: Bytes): Bytes | undefined {
  for (let at = 0; at < avif.length; ) {
    const left = avif.length - at;
    const size = left < 8 ? 0 : uint32(avif, at) || left; // 0: to the end
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
