// Renders the images of a form that the Images binding posts: each step in turn, by the code of the edge; then the output.

import { decode, type Frames, mapFrames } from "../edge/decode.ts";
import { type Encoded, encodeAs, MAX_AVIF_SIDE } from "../edge/encode.ts";
import { type Fault, isEdgeFault } from "../edge/faults.ts";
import { outputSize, trimBox } from "../edge/geometry.ts";
import type { PixelSize, RasterOriginal } from "../edge/original.ts";
import type { Switches } from "../edge/switches.ts";
import { drawOverlay, transform } from "../edge/transform.ts";
import type { BindingOutput, BindingStep } from "./read-form.ts";

/**
 * Renders an image (B2, B4–B6, B9).
 * @param originals image 0 is the canvas
 * @throws what sharp throws if it cannot decode an image, or encode one of that size
 */
export async function applySteps(
  originals: readonly [RasterOriginal, ...RasterOriginal[]],
  steps: readonly BindingStep[],
  output: BindingOutput,
  switches: Switches,
): Promise<Encoded | Fault> {
  const [canvas, ...overlays] = originals;
  const { limits, bindingAnimation, bindingAvif } = switches;
  const isAnimationTooLarge = canvas.width * canvas.height * canvas.frames > limits.animation;
  if (canvas.frames > 1 && output.anim && isAnimationTooLarge) {
    return bindingAnimation === "error" ? { code: 9413, status: 403 } : canvas; // B6
  }
  const isAnimated = canvas.frames > 1 && output.anim && /gif|webp/.test(output.format);
  const { frames, metadata } = await decode(canvas, isAnimated);
  const stills = await Promise.all(
    overlays.map(async (overlay) => (await decode(overlay, false)).frames),
  );
  const layers: Frames[] = [frames, ...stills];
  for (const step of steps) {
    const layer = await applyStep(step, layers, limits);
    if (isEdgeFault(layer)) return layer;
    layers[step.imageIndex] = layer;
  }
  const { background, quality } = output;
  const [drawn = frames] = layers;
  const filled = background === undefined ? drawn : await transform(drawn, { background });
  const isAvifTooLarge = output.format === "avif" && longestSide(filled[0]) > MAX_AVIF_SIDE;
  if (isAvifTooLarge && bindingAvif === "error") return { code: 9413, status: 403 }; // B6
  if (isAvifTooLarge && bindingAvif === "original") return canvas;
  const format = isAvifTooLarge ? "webp" : output.format;
  const image = await encodeAs(format, filled, { quality, metadata });
  const { width, height } = filled[0];
  const isAlike = image.type === canvas.type && width === canvas.width && height === canvas.height;
  const isLarger = isAlike && image.bytes.length > canvas.bytes.length;
  if (isLarger && switches.bindingSmaller === "original") return canvas; // B6
  const shouldCopyExif = switches.bindingMetadata === "kept" && image.type === "image/jpeg";
  return shouldCopyExif && metadata.exif
    ? { ...image, bytes: addExif(image.bytes, metadata.exif) }
    : image; // B9
}

const longestSide = ({ width, height }: PixelSize) => Math.max(width, height);

/** Applies one step, if the result is not too large (B4). */
async function applyStep(
  step: BindingStep,
  layers: readonly Frames[],
  limits: Switches["limits"],
): Promise<Frames | Fault> {
  const below = layers[step.imageIndex];
  if (below === undefined) return { code: 9432, status: 400 };
  if (step.overlayIndex === undefined) {
    const size = outputSize(trimBox(below[0], step.options), step.options);
    const isTooLarge = longestSide(size) > limits.side || size.width * size.height > limits.pixels;
    return isTooLarge ? { code: 9413, status: 403 } : await transform(below, step.options);
  }
  const [above] = layers[step.overlayIndex] ?? [];
  if (above === undefined) return { code: 9432, status: 400 };
  return await mapFrames(below, (frame) => drawOverlay(frame, above, step.options));
}

/** Inserts EXIF data behind the first marker of a JPEG, unchanged (B9). Data that are too long are dropped. */
function addExif(jpeg: Uint8Array, exif: Buffer): Uint8Array {
  const length = exif.length + 2;
  if (length > 0xffff) return jpeg;
  const marker = Uint8Array.of(0xff, 0xe1, length >> 8, length & 0xff);
  return Buffer.concat([jpeg.subarray(0, 2), marker, exif, jpeg.subarray(2)]);
}
