// Removes what a JPEG says besides its picture: EXIF, XMP, IPTC, comments, and whatever else is not needed to
// show it. Its colour profile stays. Pure.

import { concatBytes } from "../util/bytes.ts";

const START = 0xd8;
const END = 0xd9;
const SCAN = 0xda;

/** Frames and tables (C0–CF), quantization (DB), the number of lines (DC), intervals (DD), and scans. */
const PICTURE: ReadonlySet<number> = new Set([
  ...Array.from({ length: 16 }, (_, at) => 0xc0 + at),
  ...[SCAN, 0xdb, 0xdc, 0xdd],
]);

/** What decides the colours: ICC profiles, JFIF without a thumbnail, and how Adobe writes them. */
const COLOURS: Readonly<Record<number, readonly [name: string, longest?: number]>> = {
  224: ["JFIF\0", 18],
  226: ["ICC_PROFILE\0"],
  238: ["Adobe", 16],
};

/**
 * Copies a JPEG without its metadata, also where that stands between the scans or behind the picture.
 * @returns undefined if the bytes are no JPEG
 */
export function withoutMetadata(jpeg: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (jpeg[0] !== 0xff || jpeg[1] !== START) return undefined;
  const kept = [jpeg.subarray(0, 2)];
  for (let at = 2, hasScan = false; ; ) {
    if (jpeg[at] !== 0xff) return undefined;
    while (jpeg[at + 1] === 0xff) at++; // any number of them may stand before a marker
    const [marker = 0, high = 0, low = 0] = jpeg.subarray(at + 1, at + 4);
    if (marker === END)
      return hasScan ? concatBytes([...kept, jpeg.subarray(at, at + 2)]) : undefined;
    const end = at + 2 + high * 256 + low;
    if (marker < 0xc0 || end < at + 4 || end >= jpeg.length) return undefined;
    const next = marker === SCAN ? endOfScan(jpeg, end) : end;
    const segment = jpeg.subarray(at, next);
    if (isKept(marker, segment)) kept.push(segment);
    hasScan ||= marker === SCAN;
    at = next;
  }
}

/** Where the next marker is: one that is neither a byte of the picture nor a restart. */
function endOfScan(jpeg: Uint8Array, from: number): number {
  for (let at = from; ; at += 2) {
    at = jpeg.indexOf(0xff, at);
    if (at < 0) return jpeg.length;
    const marker = jpeg[at + 1] ?? 0;
    if (marker !== 0 && (marker < 0xd0 || marker > 0xd7)) return at;
  }
}

function isKept(marker: number, segment: Uint8Array): boolean {
  const [name, longest = Number.POSITIVE_INFINITY] = COLOURS[marker] ?? [];
  if (name === undefined) return PICTURE.has(marker);
  const begins = String.fromCharCode(...segment.subarray(4, 4 + name.length)) === name;
  return begins && segment.length <= longest;
}
