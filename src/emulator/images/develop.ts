// What the binding makes of images, by the edge's own code for pixels: each step in turn, then the output.

import { drawOverlay } from "../edge/draw-overlay.ts";
import {
  type Encoded,
  type Encoding,
  encodeAs,
  type Format,
  LONGEST_AVIF_SIDE,
} from "../edge/encode.ts";
import { keptExif } from "../edge/exif.ts";
import { type Fault, isFault } from "../edge/faults.ts";
import { decode, type Frames, mapFrames } from "../edge/frames.ts";
import { outputSize, type Size } from "../edge/geometry.ts";
import type { Transformations } from "../edge/image-options.ts";
import type { Original } from "../edge/read-original.ts";
import type { Switches } from "../edge/switches.ts";
import { transform } from "../edge/transform.ts";
import { trimmedBox } from "../edge/trim.ts";
import type { Output, Step } from "./read-steps.ts";

const FORMATS = {
  "image/jpeg": "jpeg",
  "image/png": "png",
  "image/gif": "gif",
  "image/webp": "webp",
  "image/avif": "avif",
} as const satisfies Record<string, Format>;

/** The words of the switch, as `cf.image` spells them (O9). */
const KEPT = { dropped: "none", copyright: "copyright", kept: "keep" } as const;

/**
 * Makes an image (B2, B4–B6, B9).
 * @param originals image 0 is the canvas
 * @throws what sharp throws if it cannot decode an image, or encode one of that size
 */
export async function develop(
  originals: readonly [Original, ...Original[]],
  steps: readonly Step[],
  output: Output,
  switches: Switches,
): Promise<Encoded | Fault> {
  const [canvas, ...others] = originals;
  const { limits, bindingAnimation } = switches;
  const isTooLong = canvas.width * canvas.height * canvas.frames > limits.animation;
  if (canvas.frames > 1 && output.anim && isTooLong) {
    return bindingAnimation === "error" ? { code: 9413, status: 403 } : canvas; // B6
  }
  const moves = output.anim && /gif|webp/.test(output.format);
  const { frames, metadata } = await decode(canvas, canvas.frames > 1 && moves);
  const stills = await Promise.all(others.map(async (one) => (await decode(one, false)).frames));
  const layers: Frames[] = [frames, ...stills];
  for (const step of steps) {
    const made = await take(step, layers, limits);
    if (isFault(made)) return made;
    layers[step.on] = made;
  }
  const { background } = output;
  const [drawn = frames] = layers;
  const filled = background === undefined ? drawn : await transform(drawn, { background });
  const tooLarge = output.format === "image/avif" && longestOf(filled[0]) > LONGEST_AVIF_SIDE;
  if (tooLarge && switches.bindingAvif === "error") return { code: 9413, status: 403 }; // B6
  if (tooLarge && switches.bindingAvif === "original") return canvas;
  const { exif, delay, loop } = metadata;
  const { bindingMetadata } = switches;
  const { quality } = output;
  const made = await encoded(tooLarge ? "image/webp" : output.format, filled, {
    quality,
    exif: exif && keptExif(exif, KEPT[bindingMetadata]), // B9
    timing: { delay, loop },
  });
  const { width, height } = canvas;
  const isSame = made.type === canvas.type && sameSize({ width, height }, filled[0]);
  const isLarger = isSame && made.bytes.length > canvas.bytes.length;
  return isLarger && switches.bindingSmaller === "original" ? canvas : made; // B6
}

const longestOf = ({ width, height }: Size) => Math.max(width, height);
const sameSize = (one: Size, other: Size) =>
  one.width === other.width && one.height === other.height;

/** Takes one step, if what it makes is not too large (B4). */
async function take(
  step: Step,
  layers: readonly Frames[],
  limits: Switches["limits"],
): Promise<Frames | Fault> {
  const below = layers[step.on];
  if (below === undefined) return { code: 9432, status: 400 };
  if (!("drawn" in step)) {
    const size = await sizeAfter(below, step.options);
    const isTooLarge = longestOf(size) > limits.side || size.width * size.height > limits.pixels;
    return isTooLarge ? { code: 9413, status: 403 } : await transform(below, step.options);
  }
  const [above] = layers[step.drawn] ?? [];
  if (above === undefined) return { code: 9432, status: 400 };
  return await mapFrames(below, async (frame) => drawOverlay(frame, above, step.draw));
}

async function sizeAfter([first]: Frames, options: Transformations): Promise<Size> {
  return outputSize(await trimmedBox(first, options), options);
}

async function encoded(
  format: Output["format"],
  frames: Frames,
  encoding: Encoding,
): Promise<Encoded> {
  if (format !== "rgb" && format !== "rgba") return encodeAs(FORMATS[format], frames, encoding);
  const { data } = frames[0];
  const bytes = format === "rgba" ? data : data.filter((_, at) => at % 4 !== 3);
  return { bytes, type: format }; // its content-type is not documented
}
