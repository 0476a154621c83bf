// Reads the small picture that colour and ThumbHash are made of.

import type { SharpOptions } from "sharp";
import type { Dimensions } from "../../client/types.ts";
import type { LoadSharp } from "./load-sharp.ts";

/** Why there is no fact, in plain words: `HEIC: sharp cannot read it`. */
export type NoFact = {
  readonly why: string;
  /** Whether it is no picture at all, so nothing is missing. */
  readonly foreign?: true;
};

/** RGBA, not premultiplied. */
export type Small = Dimensions & { readonly data: Uint8Array };

/** What the process that draws SVGs says before it draws. */
export const BEGUN = "begun";

/** A ThumbHash is made of a picture that fits into a square of this size. */
export const SMALL = 100;
export const TIMEOUT_S = 60;

/** The edge reads no more (L1). */
export const MOST_PIXELS = 100e6;

/** Time and size have bounds. Warnings of a decoder are not failures. */
export const OPTIONS: SharpOptions = { failOn: "error", limitInputPixels: MOST_PIXELS };

/**
 * Reads the first frame: upright, in sRGB, and scaled to fit the square.
 * @param isDrawing whether it can be drawn larger than it says
 * @throws what the decoder says
 */
export async function readSmall(
  sharp: LoadSharp,
  bytes: Uint8Array,
  isDrawing: boolean,
): Promise<Small> {
  const { data, info } = await sharp(bytes, OPTIONS)
    .timeout({ seconds: TIMEOUT_S })
    .autoOrient()
    .resize(SMALL, SMALL, { fit: "inside", withoutEnlargement: !isDrawing })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  return { data: isDrawing ? withFullEdges(data, width) : data, width, height };
}

/** A scaled drawing covers the pixels at its edges in part. If all others are opaque, so are these. */
function withFullEdges(rgba: Uint8Array, width: number): Uint8Array {
  const height = rgba.length / 4 / width;
  const isEdge = (x: number, y: number) => x % (width - 1) === 0 || y % (height - 1) === 0;
  for (let at = 0; at < width * height; at += 1) {
    const inner = !isEdge(at % width, Math.floor(at / width));
    if (inner && rgba[at * 4 + 3] !== 255) return rgba;
  }
  return rgba.map((byte, at) => (at % 4 === 3 && byte > 0 ? 255 : byte));
}

/** What a decoder said, in one line. Anything else is a bug. */
export function brokenBy(error: unknown): NoFact {
  if (!(error instanceof Error)) throw error;
  return { why: `it is broken: ${error.message.split("\n", 1).join()}` };
}
