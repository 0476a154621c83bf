// Makes a rendition: decode, transform, draw overlays, encode. Options that the emulator does not
// implement are left out. Limits are never checked here.

import { drawOverlay } from "./draw-overlay.ts";
import { encode, keepsFrames, type Qualities } from "./encode.ts";
import { decode, mapFrames, openOriginal } from "./frames.ts";
import { outputSize, type Size, trimBox } from "./geometry.ts";
import type { ImageOptions, OverlayOptions } from "./image-options.ts";
import type { Original } from "./read-original.ts";
import { transform } from "./transform.ts";
import { trimmedBox, trimsSurroundings } from "./trim.ts";

export type Overlay = {
  readonly options: OverlayOptions;
  readonly original: Original;
};

export type Rendition = {
  readonly bytes: Uint8Array;
  /** Its content-type. */
  readonly type: string;
  /** In px, of one frame. */
  readonly width: number;
  readonly height: number;
  /** R6 */
  readonly warnings: readonly string[];
};

/**
 * Makes a rendition (O2–O6, O8–O12, R6).
 * @param image validated; its format is not json or svg; AVIF only within its limits (O7)
 * @param settings the numbers behind the names of qualities, 1–100 (O5)
 * @throws if sharp cannot decode an image, or cannot encode a rendition of that size
 */
export async function makeRendition(
  original: Original,
  image: ImageOptions,
  overlays: readonly Overlay[],
  settings: { readonly qualities: Qualities },
): Promise<Rendition> {
  const { frames, metadata } = await decode(original, keepsFrames(original, image));
  let drawn = await transform(frames, image);
  for (const { options, original } of overlays) {
    const [layer] = await transform((await decode(original, false)).frames, options);
    drawn = await mapFrames(drawn, async (frame) => drawOverlay(frame, layer, options));
  }
  const { width, height } = drawn[0];
  const encoded = await encode(drawn, original.type, image, { ...settings, metadata });
  return { ...encoded, width, height, warnings: warningsOf(image) };
}

/** Returns the size of a rendition before it is made, in px (O2, O3, O11, O12). */
export async function measure(original: Original, image: ImageOptions): Promise<Size> {
  if (trimsSurroundings(image)) {
    const { frames } = await decode(original, false);
    return outputSize(await trimmedBox(frames[0], image), image);
  }
  return outputSize(trimBox(await uprightSize(original), image), image);
}

/** Returns the size of an original after the rotation that EXIF asks for (O9), in px. */
export async function uprightSize(original: Original): Promise<Size> {
  const { autoOrient } = await openOriginal(original).metadata();
  return autoOrient;
}

function warningsOf({ fit, width, height }: ImageOptions): readonly string[] {
  const sides = [width, height].filter((side) => side !== undefined);
  return fit === "cover" && sides.length === 1
    ? ["cover fit mode needs both width and height"]
    : [];
}
