// Files of each type with texts in place of their pixels and metadata, so that a property can find them anywhere.

import { hash } from "node:crypto";

/** Stand-ins for the bytes of an original, of its metadata, and of a rendition. */
export const ORIGINAL = "ORIGINAL-BYTES";
export const METADATA = "GPS-OF-A-HOME";
const RENDITION = "a rendition";

const bytes = (...parts: (string | readonly number[])[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))),
  );

const uint32 = (number: number) => [24, 16, 8, 0].map((by) => (number >> by) & 255);
const uint32le = (number: number) => uint32(number).reverse();
/** The parts of files: with the length before the type, or behind it. */
const segment = (marker: number, text: string) =>
  bytes([0xff, marker, (text.length + 2) >> 8, (text.length + 2) & 255], text);
const pngChunk = (type: string, data: string | readonly number[]) =>
  Buffer.concat([bytes(uint32(data.length), type, data), Buffer.alloc(4)]);
const webpChunk = (type: string, data: string) =>
  bytes(type, uint32le(data.length), data, data.length % 2 ? [0] : []);
const box = (type: string, data: string) => bytes(uint32(data.length + 8), type, data);

/** A file of each type with a text in place of its pixels, and another one in its metadata, if it is not "". */
const FILES = {
  "image/jpeg": (text, inside) => {
    const frame = [0xff, 0xc0, 0, 11, 8, 0, 99, 0, 99, 1, 1, 0x11, 0];
    const scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0];
    const metadata =
      inside === "" ? [] : [segment(0xe1, `Exif\0\0${inside}`), segment(0xfe, inside)];
    return Buffer.concat([
      bytes([0xff, 0xd8]),
      segment(0xe0, "JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
      ...metadata,
      bytes(frame, scan, text),
      ...metadata, // also between the scans, and behind the picture
      bytes(scan, text, [0xff, 0xd9], inside),
    ]);
  },
  "image/png": (text, inside) =>
    Buffer.concat([
      bytes([0x89], "PNG\r\n", [0x1a, 10]),
      pngChunk("IHDR", [0, 0, 0, 99, 0, 0, 0, 99, 8, 2, 0, 0, 0]),
      ...(inside === "" ? [] : [pngChunk("eXIf", inside), pngChunk("iTXt", inside)]),
      pngChunk("IDAT", text),
      pngChunk("IEND", ""),
      bytes(inside),
    ]),
  "image/webp": (text, inside) => {
    const metadata = inside === "" ? [] : [webpChunk("EXIF", inside), webpChunk("XMP ", inside)];
    const all = Buffer.concat([bytes("WEBP"), webpChunk("VP8 ", text), ...metadata]);
    return Buffer.concat([bytes("RIFF", uint32le(all.length)), all, bytes(inside)]);
  },
  "image/gif": (text, inside) => bytes("GIF89a", [99, 0, 99, 0, 0, 0, 0], text, inside),
  "image/avif": (text, inside) =>
    Buffer.concat([
      bytes([0, 0, 0, 28], "ftypavif", [0, 0, 0, 0], "avifmif1", [0, 0, 0, 0]),
      ...(inside === "" ? [] : [box("meta", `\0\0\0\0\0\0\0\x14infe\x02\0\0\0\0\x02\0\0Exif`)]),
      box("mdat", text + inside),
    ]),
  // A sanitiser removes the text.
  "image/svg+xml": (text) =>
    bytes('<svg xmlns="http://www.w3.org/2000/svg"><script>', text, "</script></svg>"),
  "text/html": (text) => bytes("<!doctype html><p>", text),
} satisfies Record<string, (text: string, inside: string) => Buffer>;

type FileType = keyof typeof FILES;
const isFileType = (type: string): type is FileType => Object.hasOwn(FILES, type);

export function fileOf(type: string, text: string, inside = ""): Buffer {
  return isFileType(type) ? FILES[type](`${text}\n`, inside) : bytes(text);
}

/** A rendition of its own of everything else that is asked for. It says whose picture it is. */
export const renditionOf = (type: string, url: string, request: string, inside = "") =>
  fileOf(type, `${RENDITION} ${hash("sha1", request)}${ofOwner(url)}`, inside);

/** Whose picture an object is: of those below `people/`. */
function ofOwner(url: string): string {
  const [, owner] = /\/people\/([^/]+)\//.exec(url) ?? [];
  return owner === undefined ? "" : ` of ${owner}`;
}

/** The owner of a rendition. Undefined: it is of nobody, or no rendition. */
export const ownerIn = (body: string): string | undefined =>
  /a rendition [0-9a-f]{40} of (\S+)\n/.exec(body)?.[1];

const STARTS = Object.keys(FILES)
  .filter(isFileType)
  .map((type) => ({ type, start: fileOf(type, "").toString("latin1", 0, 3) }));

export function typeOf(file: Uint8Array): FileType | undefined {
  const first = String.fromCharCode(...file.subarray(0, 3));
  return STARTS.find(({ start }) => start === first)?.type;
}

/** The URL of an object, as far as its bytes say it. */
export const urlIn = (file: Uint8Array): string =>
  /ORIGINAL-BYTES (http\S+) \d+\n/.exec(Buffer.from(file).toString("latin1"))?.[1] ?? "";

/** A stream that comes in two pieces, and perhaps breaks off after them, or goes on. @param more bytes */
export function streamOf(all: Uint8Array, error?: Error, more = 0): ReadableStream<Uint8Array> {
  const half = all.length >> 1;
  const pieces = [all.subarray(0, half), all.subarray(half)].filter(({ length }) => length > 0);
  let remaining = more;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const piece = pieces.shift();
      if (piece) return controller.enqueue(Uint8Array.from(piece));
      if (error) return controller.error(error);
      if (remaining > 0) {
        const next = Math.min(remaining, 1_000_000);
        remaining -= next;
        return controller.enqueue(new Uint8Array(next));
      }
      controller.close();
      controller.byobRequest?.respond(0);
    },
  });
}
