// Removes what a JPEG says besides its picture: EXIF, XMP, IPTC, comments. Its colour profile stays. Pure.

const START = 0xd8;
const END = 0xd9;
const SCAN = 0xda;
const COMMENT = 0xfe;

/** What decides the colours: JFIF, ICC profiles, and how Adobe writes them. */
const KEPT: Readonly<Record<number, string>> = {
  224: "JFIF\0",
  226: "ICC_PROFILE\0",
  238: "Adobe",
};

/**
 * Copies a JPEG without its metadata: the segments before the first scan. Behind it, a picture of the
 * binding has nothing but scans.
 * @returns undefined if the bytes are no JPEG
 */
export function withoutMetadata(jpeg: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const copy = new Uint8Array(jpeg.length);
  if (jpeg[0] !== 0xff || jpeg[1] !== START) return undefined;
  copy.set(jpeg.subarray(0, 2));
  let length = 2;
  for (let at = 2; ; ) {
    const [mark, marker = 0, high = 0, low = 0] = jpeg.subarray(at, at + 4);
    if (mark !== 0xff || marker < 0xc0) return undefined;
    if (marker === SCAN) {
      copy.set(jpeg.subarray(at), length);
      return copy.subarray(0, length + jpeg.length - at);
    }
    const end = at + 2 + high * 256 + low;
    if (marker === END || end < at + 4 || end >= jpeg.length) return undefined;
    const segment = jpeg.subarray(at, end);
    if (isKept(marker, segment)) {
      copy.set(segment, length);
      length += segment.length;
    }
    at = end;
  }
}

function isKept(marker: number, segment: Uint8Array): boolean {
  if (marker === COMMENT) return false;
  if (marker < 0xe0 || marker > 0xef) return true; // tables and the frame
  const name = KEPT[marker];
  return (
    name !== undefined && String.fromCharCode(...segment.subarray(4, 4 + name.length)) === name
  );
}
