// Renders the images of a form that the Images binding posts: each step in turn, by the code of the edge; then the output.

import type { Metadata } from "sharp";
import { decode, type Frames, mapFrames } from "../edge/decode.ts";
import { type Encoded, encodeAs, MAX_AVIF_SIDE } from "../edge/encode.ts";
import { type Fault, isEdgeFault } from "../edge/faults.ts";
import { outputSize, trimBox } from "../edge/geometry.ts";
import type { PixelSize, RasterOriginal } from "../edge/original.ts";
import type { Switches } from "../edge/switches.ts";
import { drawOverlay, transformFrames } from "../edge/transform.ts";
import type { BindingOutput, BindingStep } from "./read-form.ts";

const TOO_LARGE: Fault = { code: 9413, status: 403 };

/** The images of a form while the steps apply: layer 0 is the canvas. */
type Layers = readonly [Frames, ...Frames[]];

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
  const isMoving = canvas.frames > 1 && output.anim;

  // It is open what comes of an animation that is too large (B6).
  const animationPixels = canvas.width * canvas.height * canvas.frames;
  if (isMoving && animationPixels > switches.limits.animation) {
    return switches.bindingAnimation === "error" ? TOO_LARGE : canvas;
  }

  const keepsFrames = isMoving && (output.format === "gif" || output.format === "webp");
  const { frames, metadata } = await decode(canvas, keepsFrames);
  const stills = await Promise.all(overlays.map(decodeStill));
  const layers = await transformLayers([frames, ...stills], steps, switches.limits);
  if (isEdgeFault(layers)) return layers;

  const filled = await fillBackground(layers[0], output);
  return encodeOutput(filled, canvas, metadata, output, switches);
}

/** Decodes an overlay. Only its first frame is drawn. */
async function decodeStill(overlay: RasterOriginal): Promise<Frames> {
  const { frames } = await decode(overlay, false);
  return frames;
}

async function transformLayers(
  originals: Layers,
  steps: readonly BindingStep[],
  limits: Switches["limits"],
): Promise<Layers | Fault> {
  const layers: [Frames, ...Frames[]] = [...originals];
  for (const step of steps) {
    const layer = await applyStep(step, layers, limits);
    if (isEdgeFault(layer)) return layer;
    layers[step.imageIndex] = layer;
  }
  return layers;
}

/** Applies one step, if the result is not too large (B4). */
async function applyStep(
  step: BindingStep,
  layers: Layers,
  limits: Switches["limits"],
): Promise<Frames | Fault> {
  const below = layers[step.imageIndex];
  if (below === undefined) return { code: 9432, status: 400 };

  if (step.overlayIndex === undefined) {
    const size = outputSize(trimBox(below[0], step.options), step.options);
    const isTooLarge = longestSide(size) > limits.side || size.width * size.height > limits.pixels;
    return isTooLarge ? TOO_LARGE : transformFrames(below, step.options);
  }

  const overlay = layers[step.overlayIndex];
  if (overlay === undefined) return { code: 9432, status: 400 };
  return mapFrames(below, (frame) => drawOverlay(frame, overlay[0], step.options));
}

async function fillBackground(frames: Frames, { background }: BindingOutput): Promise<Frames> {
  return background === undefined ? frames : transformFrames(frames, { background });
}

async function encodeOutput(
  frames: Frames,
  canvas: RasterOriginal,
  metadata: Metadata,
  { format: requested, quality }: BindingOutput,
  switches: Switches,
): Promise<Encoded | Fault> {
  const [{ width, height }] = frames;

  // It is open what comes in place of an AVIF that is too large (B6).
  let format = requested;
  if (requested === "avif" && longestSide({ width, height }) > MAX_AVIF_SIDE) {
    if (switches.bindingAvif === "error") return TOO_LARGE;
    if (switches.bindingAvif === "original") return canvas;
    format = "webp";
  }
  const image = await encodeAs(format, frames, { quality, metadata });

  // It is open whether the original comes back where it is smaller (B6).
  const isAlike = image.type === canvas.type && width === canvas.width && height === canvas.height;
  const isLarger = isAlike && image.bytes.length > canvas.bytes.length;
  if (isLarger && switches.bindingSmaller === "original") return canvas;

  // It is open whether a JPEG keeps its EXIF data (B9).
  const keepsExif = switches.bindingMetadata === "kept" && image.type === "image/jpeg";
  if (!keepsExif || metadata.exif === undefined) return image;
  return { ...image, bytes: addExif(image.bytes, metadata.exif) };
}

function longestSide({ width, height }: PixelSize): number {
  return Math.max(width, height);
}

/** Inserts EXIF data behind the first marker of a JPEG, unchanged (B9). Data that are too long are dropped. */
function addExif(jpeg: Uint8Array, exif: Buffer): Uint8Array {
  const length = exif.length + 2;
  if (length > 0xffff) return jpeg;

  const marker = Uint8Array.of(0xff, 0xe1, length >> 8, length & 0xff);
  return Buffer.concat([jpeg.subarray(0, 2), marker, exif, jpeg.subarray(2)]);
}
