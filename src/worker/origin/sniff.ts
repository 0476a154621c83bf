// The type of an object by its first bytes alone: no content-type is believed. And whether its pixels can be
// transparent. Pure.

import type { ObjectType } from "../http/refusal.ts";

/** Images, by their first bytes as Latin-1 text. "." is any byte. */
const IMAGES: readonly (readonly [beginning: RegExp, type: ObjectType])[] = [
  [/^\xff\xd8\xff/, "image/jpeg"],
  [/^\x89PNG\r\n.\n/s, "image/png"],
  [/^GIF8[79]a/, "image/gif"],
  [/^RIFF....WEBPVP8[ LX]/s, "image/webp"],
  [/^....ftyp(?:avi[fs]|m[is]f1....(?:....)*?avi[fs])/s, "image/avif"],
  [/^....ftyp(?:hei[cxms]|hev[cxms]|m[is]f1)/s, "image/heic"],
];

/** What is certainly no image that an engine reads: documents, archives, films, sound, TIFF, ICO and Photoshop. */
const NON_IMAGES = [
  ...["%PDF-", "%!PS", "PK\x03\x04", "\x1f\x8b\x08", "7z\xbc\xaf\x27\x1c", "Rar!\x1a\x07"],
  ...["\x1aE\xdf\xa3", "OggS", "ID3", "II*\0", "MM\0*", "\0\0\x01\0", "8BPS\0\x01"],
];
const FILM = /^(?:....ftyp(?:iso[m2-9]|mp4[12]|avc1|M4[AVP] |qt {2})|RIFF....(?:WAVE|AVI ))/s;
const HTML = /^(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html[\s>])/i;
const BMP_HEADERS: readonly unknown[] = [12, 40, 52, 56, 64, 108, 124];

/** @param head the first bytes; none of an empty object */
export function sniff(head: Uint8Array): ObjectType {
  const text = latin1(head.subarray(0, 64)); // no pattern looks further
  const image = IMAGES.find(([beginning]) => beginning.test(text))?.[1];
  if (image) return image;
  const isBmp = text.startsWith("BM") && text.slice(6, 10) === "\0\0\0\0" && isBmpHeader(head);
  const isOther =
    text === "" ||
    isBmp ||
    FILM.test(text) ||
    HTML.test(text) ||
    NON_IMAGES.some((one) => text.startsWith(one));
  return isOther ? "none" : "unknown";
}

function isBmpHeader(head: Uint8Array): boolean {
  return BMP_HEADERS.includes(head[14]) && latin1(head.subarray(15, 18)) === "\0\0\0";
}

/** The signature of a PNG and its first chunk, of 13 bytes. "." is any byte. */
const PNG_HEADER = /^\x89PNG\r\n.\n...\rIHDR/s;
const PNG_HEADER_BYTES = 33;

/** Where the colour type stands, and those without transparency of their own: grey, RGB and palettes. */
const COLOUR_AT = 25;
const OPAQUE_COLOURS: readonly unknown[] = [0, 2, 3];

/** Chunks that may stand before the picture: not tRNS (transparency), and not acTL (an animation may clear parts). */
const HARMLESS = /PLTE|(?!tRNS|acTL)[a-z][A-Za-z]{3}/;

/**
 * Returns whether no pixel of an image can be transparent. An image whose first bytes do not show it counts
 * as transparent: as a JPEG it would lose its transparency. A HEIC counts as a photograph, which has no transparency.
 */
export function isOpaque(type: ObjectType, head: Uint8Array): boolean {
  if (type === "image/webp") {
    const form = latin1(head.subarray(15, 16)); // of the first chunk: "VP8 ", VP8L or VP8X
    const flags = form === " " ? 0 : head[form === "L" ? 24 : 20];
    const transparencyFlags = form === "X" ? 0x12 : 0x10; // alpha; and an animation, which may leave parts free
    return flags !== undefined && (flags & transparencyFlags) === 0;
  }
  if (type !== "image/png") return type === "image/jpeg" || type === "image/heic";
  if (!PNG_HEADER.test(latin1(head.subarray(0, PNG_HEADER_BYTES)))) return false;
  if (!OPAQUE_COLOURS.includes(head[COLOUR_AT])) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  for (let at = PNG_HEADER_BYTES; at + 8 <= head.length; at += 12 + view.getUint32(at)) {
    const chunk = latin1(head.subarray(at + 4, at + 8));
    if (chunk === "IDAT") return true;
    if (!HARMLESS.test(chunk)) return false;
  }
  return false;
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
