// The type of an image by its first bytes. Pure. What a header says of a type is never believed.

import type { OriginalType } from "../request/format.ts";

type ImageType = Exclude<OriginalType, "unknown">;

/** What the first bytes of an image say. */
export type Sniffed = {
  readonly type: ImageType;
  /** Whether no pixel of it can be transparent. False: not known. */
  readonly opaque: boolean;
};

/** How many bytes are needed. */
export const HEAD_BYTES = 64;

/** Bytes as Latin-1 text. "." in a pattern is any byte. */
const TYPES: readonly (readonly [beginning: RegExp, type: ImageType])[] = [
  [/^\xff\xd8\xff/, "image/jpeg"],
  [/^\x89PNG\r\n.\n/s, "image/png"],
  [/^GIF8[79]a/, "image/gif"],
  [/^RIFF....WEBPVP8[ LX]/s, "image/webp"],
  [/^....ftyp(?:avi[fs]|m[is]f1....(?:....)*?avi[fs])/s, "image/avif"],
  [/^....ftyp(?:hei[cxms]|hev[cxms]|m[is]f1)/s, "image/heic"],
];

/** @returns undefined if it is no raster image that the Images binding reads (B4) */
export function sniff(head: Uint8Array): Sniffed | undefined {
  const text = String.fromCharCode(...head.subarray(0, HEAD_BYTES));
  const type = TYPES.find(([beginning]) => beginning.test(text))?.[1];
  return type && { type, opaque: isOpaque(type, head, text) };
}

/** A WebP says it: by a flag, by a bit of its lossless form, or as it has the lossy form alone. */
function isOpaque(type: ImageType, head: Uint8Array, text: string): boolean {
  if (type !== "image/webp") return type === "image/jpeg" || type === "image/heic";
  const flags = text[15] === " " ? 0 : head[text[15] === "L" ? 24 : 20];
  return flags !== undefined && (flags & 0x10) === 0;
}
