// Pixels: the frames of an original, upright and in sRGB (O9). A still image has one frame.

import type { Metadata, Sharp } from "sharp";
import type { Picture, RasterOriginal } from "./original.ts";
import { requireSharp } from "./sharp.ts";

export type Frames = readonly [Picture, ...Picture[]];

/** The callers check the limits, so sharp has none. A warning of the decoder is not a failure. */
const LENIENT = { limitInputPixels: false, failOn: "error" } as const;

type Decoded = { readonly frames: Frames; readonly metadata: Metadata };

/**
 * Decodes an original: all its frames, or only the first one.
 * @throws if sharp cannot decode it
 */
export async function decode(original: RasterOriginal, animated: boolean): Promise<Decoded> {
  const source = requireSharp()(original.bytes, { animated, ...LENIENT });
  const metadata = await source.metadata();

  if (!animated) {
    const still = await readPixels(source.autoOrient());
    return { frames: [still], metadata };
  }

  // sharp cannot rotate all frames at once. Animated formats are always stored upright.
  const picture = await readPixels(source);
  const { pages: count = 1 } = metadata;
  return { frames: splitFrames(picture, count), metadata };
}

/** sharp decodes an animation as one picture, with its frames one below the other. */
function splitFrames({ data, width, height }: Picture, count: number): Frames {
  const bytesPerFrame = data.length / count;
  const frameAt = (index: number): Picture => ({
    data: data.subarray(index * bytesPerFrame, (index + 1) * bytesPerFrame),
    width,
    height: height / count,
  });

  const rest = Array.from({ length: count - 1 }, (_, index) => frameAt(index + 1));
  return [frameAt(0), ...rest];
}

/** Opens a picture with sharp, to change its pixels. */
export function openPicture({ data, width, height }: Picture): Sharp {
  return requireSharp()(data, { raw: { width, height, channels: 4 }, limitInputPixels: false });
}

export async function readPixels(pipeline: Sharp): Promise<Picture> {
  const raw = pipeline.ensureAlpha().raw();
  const { data, info } = await raw.toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

export async function mapFrames(
  [first, ...rest]: Frames,
  change: (frame: Picture) => Promise<Picture>,
): Promise<Frames> {
  const changedFirst = await change(first);
  const changedRest = await Promise.all(rest.map(change));
  return [changedFirst, ...changedRest];
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
