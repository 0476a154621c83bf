// Where an image ends, read from its own structure. Bytes behind it are no part of the picture.

/** @returns the number of bytes until the end; undefined if the image breaks off, or is of another format */
export function endOfImage(type: string, bytes: Buffer): number | undefined {
  switch (type) {
    case "image/jpeg":
      return endOfJpeg(bytes);
    case "image/png":
      return endOfPng(bytes);
    case "image/webp":
      return bytes.readUInt32LE(4) + 8;
    case "image/avif":
      return endOfAvif(bytes);
    default:
      return undefined;
  }
}

const END_OF_JPEG = 0xd9;

function endOfJpeg(bytes: Buffer): number | undefined {
  let at = 2;
  while (at + 2 <= bytes.length) {
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff || !beginsPart(marker)) {
      at += 1; // compressed data
      continue;
    }

    if (marker === END_OF_JPEG) return at + 2;
    if (at + 4 > bytes.length) return undefined;

    at += 2 + bytes.readUInt16BE(at + 2); // a segment with its length
  }

  return undefined;
}

/** In compressed data, 0xff is followed by 0, by the number of a restart, or by another 0xff. */
function beginsPart(marker: number): boolean {
  const isRestart = marker >= 0xd0 && marker <= 0xd7;
  return marker !== 0 && marker !== 0xff && !isRestart;
}

function endOfPng(bytes: Buffer): number | undefined {
  let at = 8;
  while (at + 12 <= bytes.length) {
    const name = bytes.toString("latin1", at + 4, at + 8);
    at += 12 + bytes.readUInt32BE(at);
    if (name === "IEND") return at;
  }

  return undefined;
}

const AVIF_BOXES = ["ftyp", "meta", "mdat"];

function endOfAvif(bytes: Buffer): number | undefined {
  let at = 0;
  while (at + 8 <= bytes.length) {
    const length = bytes.readUInt32BE(at);
    const name = bytes.toString("latin1", at + 4, at + 8);
    if (!AVIF_BOXES.includes(name) || length < 8) break;
    at += length;
  }

  return at > 0 ? at : undefined;
}
