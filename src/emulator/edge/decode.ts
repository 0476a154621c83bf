// Pixels: the frames of an original, upright and in sRGB (O9). A still image has one frame.

import type { Metadata, Sharp } from "sharp";
import type { Picture, RasterOriginal } from "./original.ts";
import { requireSharp } from "./sharp.ts";

export type Frames = readonly [Picture, ...Picture[]];

/** The callers check the limits. A warning of the decoder is not a failure. */
const LENIENT = { limitInputPixels: false, failOn: "error" } as const;

/** Opens an original with sharp, without sharp's own limits. */
const openOriginal = ({ bytes }: RasterOriginal, animated = false): Sharp =>
  requireSharp()(bytes, { animated, ...LENIENT });

/** Opens a picture with sharp, to change its pixels. */
export const openPicture = ({ data, width, height }: Picture): Sharp =>
  requireSharp()(data, { raw: { width, height, channels: 4 }, limitInputPixels: false });

export async function readPixels(pipeline: Sharp): Promise<Picture> {
  const { data, info } = await pipeline.ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

export async function mapFrames(
  [first, ...rest]: Frames,
  change: (frame: Picture) => Promise<Picture>,
): Promise<Frames> {
  return [await change(first), ...(await Promise.all(rest.map(change)))];
}

export function isReadableColour(css: string): boolean {
  const sharp = requireSharp();
  try {
    sharp({ create: { width: 1, height: 1, channels: 4, background: css } });
    return true;
  } catch {
    return false;
  }
}

type Decoded = { readonly frames: Frames; readonly metadata: Metadata };

/**
 * Decodes an original: all its frames, or only the first one.
 * @throws if sharp cannot decode it
 */
export async function decode(original: RasterOriginal, animated: boolean): Promise<Decoded> {
  const source = openOriginal(original, animated);
  const metadata = await source.metadata();
  // sharp cannot rotate all frames at once. Animated formats are always stored upright.
  const { data, width, height } = await readPixels(animated ? source : source.autoOrient());
  const count = animated ? (metadata.pages ?? 1) : 1;
  const size = data.length / count;
  const frame = (index: number) => ({
    data: data.subarray(index * size, (index + 1) * size),
    ...{ width, height: height / count },
  });
  const rest = Array.from({ length: count - 1 }, (_, index) => frame(index + 1));
  return { frames: [frame(0), ...rest], metadata };
}
