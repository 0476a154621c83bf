// Whether the pixels of an image can be transparent, by its first bytes alone. Pure. Only a picture that is certainly
// opaque may become a JPEG, which has no transparency. What the bytes do not prove counts as transparent.

import type { ObjectType } from "../http/refusal.ts";
import { latin1 } from "../util/bytes.ts";

/**
 * Returns whether no pixel of an image can be transparent. An image whose first bytes do not show it counts as
 * transparent: as a JPEG it would lose its transparency.
 */
export function isOpaque(type: ObjectType, head: Uint8Array): boolean {
  if (type === "image/webp") return isOpaqueWebp(head);
  if (type === "image/png") return isOpaquePng(head);
  if (type === "image/gif") return isOpaqueGif(head);

  // A JPEG has no transparency. A HEIC counts as a photograph, which has none either.
  return type === "image/jpeg" || type === "image/heic";
}

/** A WebP begins with "RIFF", a length, "WEBP", and the first chunk: its name, its length, and its data from byte 20. */
function isOpaqueWebp(head: Uint8Array): boolean {
  const lastLetter = latin1(head.subarray(15, 16)); // of the name: "VP8 ", "VP8L" or "VP8X"

  // "VP8 " is lossy. Its pixels have no transparency without VP8X.
  if (lastLetter === " ") return true;

  // "VP8L" has a signature in byte 20, and two sides of 14 bits in bytes 21 to 24. They leave 4 bits of byte 24: the
  // lowest of these, 0x10, says "has transparency".
  if (lastLetter === "L") return hasNoFlag(head[24], 0x10);

  // "VP8X" begins with its flags. 0x10 is transparency. 0x02 is an animation, which may leave parts of the picture free.
  if (!hasNoFlag(head[20], 0x10)) return false;
  return hasNoFlag(head[20], 0x02) || isCoveredByFirstFrame(head);
}

/**
 * How many chunks are read before the picture. A picture has a few. The 20,000 that fit into the first bytes of the Images
 * binding would take more CPU time than a request has on the free plan.
 */
const MAX_CHUNKS = 500;

/** Behind the header of a WebP, and "VP8X" with its 10 bytes, the next chunk begins. */
const SECOND_CHUNK = 30;

/** Returns whether the first frame of an animated WebP covers the picture. Of an animation, a still shows that frame. */
function isCoveredByFirstFrame(head: Uint8Array): boolean {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let offset = SECOND_CHUNK;

  // A chunk has a name and a length of 4 bytes each. Behind data of an odd length stands one more byte.
  for (let chunks = 0; chunks < MAX_CHUNKS; chunks++) {
    if (offset + CHUNK_HEADER_BYTES > head.length) return false;

    const name = latin1(head.subarray(offset, offset + 4));
    const dataOffset = offset + CHUNK_HEADER_BYTES;
    if (name === "ANMF") {
      // The place of the frame, and its sides less 1, in 3 bytes each. "VP8X" has those of the picture from byte 24 on.
      const isAtStart = latin1(head.subarray(dataOffset, dataOffset + 6)) === "\0".repeat(6);
      const sides = latin1(head.subarray(dataOffset + 6, dataOffset + 12));
      return isAtStart && sides === latin1(head.subarray(24, SECOND_CHUNK));
    }

    const length = view.getUint32(offset + 4, true);
    offset = dataOffset + length + (length % 2);
  }
  return false;
}

/** The marks of the blocks in a GIF. */
const GIF_EXTENSION = 0x21;
const GIF_IMAGE = 0x2c;

/** The extension that says which colour is transparent, if any. */
const GIF_CONTROL = 0xf9;

/** Returns whether the first picture of a GIF covers all of it, and has no transparent colour. */
function isOpaqueGif(head: Uint8Array): boolean {
  // 6 bytes of the signature, the sides in 2 bytes each, flags, and 2 bytes more. The flags say how long the table of
  // colours is that may follow.
  const flags = head[10] ?? 0;
  const hasTable = (flags & 0x80) !== 0;
  let offset = 13 + (hasTable ? 3 * 2 ** ((flags & 7) + 1) : 0);

  while (head[offset] === GIF_EXTENSION) {
    const isControl = head[offset + 1] === GIF_CONTROL;
    if (isControl && !hasNoFlag(head[offset + 3], 0x01)) return false;
    offset = endOfGifBlocks(head, offset + 2);
  }
  if (head[offset] !== GIF_IMAGE) return false;

  // The place of the picture, and its sides, as the header has them.
  const position = latin1(head.subarray(offset + 1, offset + 5));
  const sides = latin1(head.subarray(offset + 5, offset + 9));
  return position === "\0\0\0\0" && sides === latin1(head.subarray(6, 10));
}

/** The data of an extension are blocks, each behind its length. One of the length 0 ends them. */
function endOfGifBlocks(head: Uint8Array, start: number): number {
  let offset = start;
  for (let length = head[offset]; length; length = head[offset]) offset += 1 + length;
  return offset + 1;
}

/** @param byte undefined if the first bytes end before it */
function hasNoFlag(byte: number | undefined, flags: number): boolean {
  return byte !== undefined && (byte & flags) === 0;
}

/**
 * The signature of a PNG has 8 bytes. Its first chunk begins with its length of 4 bytes, which is always 13 ("\r"), and
 * its name, IHDR. "." is any byte.
 */
const PNG_HEADER = /^\x89PNG\r\n.\n...\rIHDR/s;

/** The types of colour that have no transparency of their own: grey, RGB and palettes. */
const OPAQUE_COLOURS: readonly unknown[] = [0, 2, 3];

/**
 * PLTE is the palette. A small first letter marks a chunk that a reader may ignore, such as gAMA. No such chunk makes
 * pixels transparent, except for tRNS and acTL.
 */
const HARMLESS_CHUNK = /^(?:PLTE|[a-z][A-Za-z]{3})$/;

/** A chunk begins with a length and a name of 4 bytes each. */
const CHUNK_HEADER_BYTES = 8;

/** What a chunk has besides its data: the header, and behind the data a checksum of 4 bytes. */
const CHUNK_FRAME_BYTES = 12;

/**
 * Reads the chunks of a PNG up to its picture.
 * @param head the first bytes. If they end before the picture, a chunk that makes pixels transparent may follow
 */
function isOpaquePng(head: Uint8Array): boolean {
  // The header has 33 bytes: 8 of the signature, and 25 of IHDR with its 13 bytes of data.
  if (!PNG_HEADER.test(latin1(head.subarray(0, 33)))) return false;

  // Byte 25, in the data of IHDR, is the type of colour.
  if (!OPAQUE_COLOURS.includes(head[25])) return false;

  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let offset = 33;
  for (let chunks = 0; chunks < MAX_CHUNKS; chunks++) {
    const name = latin1(head.subarray(offset + 4, offset + CHUNK_HEADER_BYTES));
    if (name === "IDAT") return true; // the picture begins
    if (name === "tRNS") return false; // transparency of colours or of the palette
    if (name === "acTL") return false; // an animation, which may leave parts of the picture free

    // Any other chunk may not stand before the picture. Where the first bytes end, this is no whole name.
    if (!HARMLESS_CHUNK.test(name)) return false;

    const dataLength = view.getUint32(offset);
    offset += CHUNK_FRAME_BYTES + dataLength;
  }

  return false;
}
