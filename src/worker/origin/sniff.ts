// The type of an object by its first bytes alone. Pure. It believes no
// content-type and no name: whoever uploads an object may write any. What the bytes do not prove stays "unknown", and
// the engine that renders the object decides (A18).

import type { ObjectType } from "../http/refusal.ts";
import { latin1 } from "../util/bytes.ts";

/**
 * @param head the first bytes; none of an empty object
 * @returns "none" if the object is certainly no image that an engine reads; "unknown" if it may be one
 */
export function sniff(head: Uint8Array): ObjectType {
  // No pattern looks further than 64 bytes. A longer text would cost time in each of them.
  const text = latin1(head.subarray(0, 64));

  // In the patterns, "." is any byte: a length, or a control character, which the linter refuses in a pattern.
  // JPEG: the marker "start of image", and the first byte of the next marker.
  if (/^\xff\xd8\xff/.test(text)) return "image/jpeg";

  // PNG: its signature. The "." is 1A, which ends a text file on DOS.
  if (/^\x89PNG\r\n.\n/s.test(text)) return "image/png";

  // GIF: "GIF87a" or "GIF89a".
  if (/^GIF8[79]a/.test(text)) return "image/gif";

  // WebP: a RIFF container, its length, and the first chunk: "VP8 " (lossy), "VP8L" (lossless) or "VP8X" (extended).
  // Sound and films may have the same container.
  if (/^RIFF....WEBPVP8[ LX]/s.test(text)) return "image/webp";
  if (/^RIFF....(?:WAVE|AVI )/s.test(text)) return "none";

  // AVIF, HEIC, sound and films begin with groups of four bytes: the length of the first box, its name "ftyp", a brand,
  // a version, and more brands, as in "....ftypmif1....miafavif". Other objects have no brands.
  const brands = text.startsWith("ftyp", 4) ? text.slice(8) : "";

  // AVIF has the brand "avif" (a still image) or "avis" (a sequence).
  if (/^avi[fs]/.test(brands)) return "image/avif";

  // Or it has a general brand, "mif1" or "msf1", and AVIF's one later. `.{4}` is the version, or a brand between them.
  if (/^m[is]f1(?:.{4})+avi[fs]/s.test(brands)) return "image/avif";

  // HEIC has a brand from "heic" to "hevm", or a general brand that has none of AVIF beside it.
  if (/^(?:hei[cxms]|hev[cxms]|m[is]f1)/.test(brands)) return "image/heic";

  // Sound and films: "isom", "mp42", "qt  " and others.
  if (/^(?:iso[m2-9]|mp4[12]|avc1|M4[AVP] |qt {2})/.test(brands)) return "none";

  // HTML, after a byte order mark and white space: "<!DOCTYPE html", "<html>".
  if (/^(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html[\s>])/i.test(text)) return "none";

  if (OTHER_SIGNATURES.some((signature) => text.startsWith(signature))) return "none";
  if (isBmp(text)) return "none";

  const isEmpty = text === "";
  return isEmpty ? "none" : "unknown";
}

/** Documents, archives, films and sound. And images that no engine reads: TIFF, ICO and Photoshop's. */
const OTHER_SIGNATURES = [
  "%PDF-",
  "%!PS", // PostScript
  "PK\x03\x04", // ZIP, and with it the documents of offices
  "\x1f\x8b\x08", // gzip, and with it SVGZ
  "7z\xbc\xaf\x27\x1c",
  "Rar!\x1a\x07",
  "\x1aE\xdf\xa3", // Matroska and WebM
  "OggS",
  "ID3", // MP3
  "II*\0", // TIFF, little-endian
  "MM\0*", // TIFF, big-endian
  "\0\0\x01\0", // ICO
  "8BPS\0\x01", // Photoshop
];

/** The lengths that the second header of a BMP can have: one for each version of the format. */
const BMP_HEADER_LENGTHS = [12, 40, 52, 56, 64, 108, 124];

/** Text may begin with "BM", too. So the bytes behind it must be those of a BMP. */
function isBmp(text: string): boolean {
  if (!text.startsWith("BM")) return false;

  // Bytes 2 to 5 are the length of the file, and 6 to 9 are reserved.
  if (text.slice(6, 10) !== "\0\0\0\0") return false;

  // Bytes 10 to 13 say where the pixels begin. The length of the second header follows, with its lowest byte first.
  const headerLength = text.charCodeAt(14);
  return BMP_HEADER_LENGTHS.includes(headerLength) && text.slice(15, 18) === "\0\0\0";
}
