// Renders an object: a rendition, facts as JSON, a sanitised SVG, or the original itself. An original that is passed on
// may be marked as a success: a Worker that believes the mark would show it.

import { decode, mapFrames } from "./decode.ts";
import { type Encoded, encode, isAnimated, MAX_AVIF_SIDE } from "./encode.ts";
import { type Fault, isEdgeFault } from "./faults.ts";
import { outputSize, trimBox } from "./geometry.ts";
import type { ImageOptions, OverlayOptions } from "./options.ts";
import {
  identifyOriginal,
  type PixelSize,
  type RasterOriginal,
  readHead,
  type SvgOriginal,
} from "./original.ts";
import type { Switches } from "./switches.ts";
import { drawOverlay, transformFrames } from "./transform.ts";

/** The body of an answer, and what its headers say. */
export type Output = {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** What the edge did differently (R6). */
  readonly warnings: readonly string[];
  /** False: the answer has no `cf-resized`, as if `cf.image` were not set (R2). */
  readonly isMarked: boolean;
};

export type Overlay = { readonly options: OverlayOptions; readonly original: RasterOriginal };

/** The sides are those of one frame, in px. */
export type RenderedImage = Encoded & PixelSize & Pick<Output, "warnings">;

/** Renders an object as `cf.image` says, or returns why the edge cannot. */
export async function renderObject(
  object: Uint8Array,
  image: ImageOptions,
  overlays: readonly Overlay[],
  switches: Switches,
  renderer: Renderer,
): Promise<Output | Fault> {
  const original = await identifyOriginal(object, switches, renderer.read);
  if (isEdgeFault(original)) return original;
  if (original.type === "image/svg+xml") return passOnSvg(original, image, switches);

  // A raster image is no SVG (R8).
  if (image.format === "svg") return { code: 9412, status: 415 };

  return orDecodeFault(() => renderRaster(original, image, overlays, switches, renderer));
}

/** An SVG is sanitised and never resized. It cannot become another format (R8). */
function passOnSvg(original: SvgOriginal, image: ImageOptions, switches: Switches): Output | Fault {
  if (image.format !== undefined && image.format !== "svg") return { code: 9412, status: 415 };

  return {
    type: original.type,
    bytes: sanitiseSvg(original.svg),
    warnings: [],
    isMarked: switches.svg === "marked",
  };
}

/** Returns a fault if an image cannot be decoded. */
export async function orDecodeFault<Result>(work: () => Promise<Result>): Promise<Result | Fault> {
  try {
    return await work();
  } catch (error) {
    // sharp throws a plain Error if it cannot decode. Any other class is a bug in this code.
    if (error instanceof Error && error.constructor === Error) return { code: 9516, status: 422 };
    throw error;
  }
}

/** Renders an image that is no SVG: the rendition, facts about it, or the original where the edge sends that. */
async function renderRaster(
  original: RasterOriginal,
  image: ImageOptions,
  overlays: readonly Overlay[],
  switches: Switches,
  renderer: Renderer,
): Promise<Output | Fault> {
  const size = measure(original, image);
  if (image.format === "json") return describeOriginal(original, size, switches);

  // A rendition has the same limit of its sides as an original (L1).
  const longestSide = Math.max(size.width, size.height);
  if (longestSide > switches.limits.side) return { code: 9413, status: 403 };

  // An animation that is too large is passed on (O8).
  if (isAnimationTooLarge(original, image, switches)) {
    return outputOf(original, [], switches.animationTooLarge === "marked");
  }

  // It is open what comes in place of an AVIF that is too large (O7).
  let options = image;
  if (image.format === "avif" && longestSide > MAX_AVIF_SIDE) {
    const { avifTooLarge } = switches;
    if (avifTooLarge === "passed-through") {
      return outputOf(original, ["image too large for AVIF"], true);
    }
    options = { ...image, format: avifTooLarge };
  }

  const rendition = await renderer.render(original, options, overlays, switches);
  if (!isOriginalSmaller(original, image, rendition, switches)) {
    return outputOf(rendition, rendition.warnings, true);
  }

  // The edge warns, and sends the original if that has the type of the rendition (R6).
  const warnings = [...rendition.warnings, "original is smaller"];
  const sendsOriginal = switches.originalIsSmaller.sent === "original";
  const isSameType = rendition.type === original.type;
  return outputOf(sendsOriginal && isSameType ? original : rendition, warnings, true);
}

function isAnimationTooLarge(
  { width, height, frames }: RasterOriginal,
  { anim }: ImageOptions,
  { limits }: Switches,
): boolean {
  return frames > 1 && anim !== false && width * height * frames > limits.animation;
}

/** Returns whether the edge warns that the original is smaller (R6). */
function isOriginalSmaller(
  original: RasterOriginal,
  image: ImageOptions,
  rendition: RenderedImage,
  { originalIsSmaller }: Switches,
): boolean {
  const { width, height } = original;
  if (originalIsSmaller.comparedBy === "sides") {
    return Math.max(width, height) < Math.max(image.width ?? 0, image.height ?? 0);
  }

  if (rendition.type !== original.type) return false;
  if (rendition.width * rendition.height !== width * height) return false;
  return original.bytes.length < rendition.bytes.length;
}

function outputOf(
  { type, bytes }: Encoded,
  warnings: readonly string[],
  isMarked: boolean,
): Output {
  return { type, bytes, warnings, isMarked };
}

/** The facts about an image, sent in place of the image (R9). */
function describeOriginal(
  original: RasterOriginal,
  size: PixelSize,
  { originalFormat, originalSides }: Switches,
): Output {
  // It is open whether the sides are those after the rotation by EXIF (O9), and how the type is spelt (R9).
  const sides = originalSides === "upright" ? original.upright : original;
  const format = originalFormat === "type" ? original.type : original.type.replace("image/", "");

  const facts = {
    width: size.width,
    height: size.height,
    original: {
      file_size: original.bytes.length,
      width: sides.width,
      height: sides.height,
      format,
    },
  };
  return {
    type: "application/json",
    bytes: new TextEncoder().encode(JSON.stringify(facts)),
    warnings: [],
    isMarked: true,
  };
}

/**
 * Renders with sharp: decodes, transforms, draws overlays and encodes (O2–O6, O8–O12, R6). Options that the
 * emulator does not implement are left out. Limits are not checked here.
 * @param image validated; its format is not json or svg; AVIF only within its limits (O7)
 * @param settings the numbers behind the names of qualities, 1–100 (O5)
 * @throws if sharp cannot decode an image, or cannot encode a rendition of that size
 */
export async function renderWithSharp(
  original: RasterOriginal,
  image: ImageOptions,
  overlays: readonly Overlay[],
  settings: Pick<Switches, "qualities">,
): Promise<RenderedImage> {
  const { frames, metadata } = await decode(original, isAnimated(original, image));
  let drawn = await transformFrames(frames, image);

  for (const { options, original: overlay } of overlays) {
    const decoded = await decode(overlay, false);
    const [layer] = await transformFrames(decoded.frames, options);
    drawn = await mapFrames(drawn, (frame) => drawOverlay(frame, layer, options));
  }

  const { qualities } = settings;
  const encoded = await encode(drawn, original.type, image, { qualities, metadata });
  const { width, height } = drawn[0];
  return { ...encoded, width, height, warnings: renderingWarnings(image) };
}

/** Cover with only one side works, with a warning (O3). */
function renderingWarnings({ fit, width, height }: ImageOptions): readonly string[] {
  const hasExactlyOneSide = (width === undefined) !== (height === undefined);
  if (fit !== "cover" || !hasExactlyOneSide) return [];
  return ["cover fit mode needs both width and height"];
}

/** Returns the size of a rendition before it is made, in px (O2, O3, O11, O12). */
export function measure({ upright }: RasterOriginal, image: ImageOptions): PixelSize {
  return outputSize(trimBox(upright, image), image);
}

/** Removes from an SVG the best-known things that could run or load something (R8). It is no complete sanitiser. */
function sanitiseSvg(svg: string): Uint8Array {
  const harmless = svg
    .replace(/<(script|foreignObject|iframe)\b.*?<\/\1\s*>/gis, "")
    .replace(/<(script|foreignObject|iframe)\b[^>]*\/?>/gi, "")
    .replace(/\son\w+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+)/gi, "")
    .replace(/\s(?:xlink:)?href\s*=\s*(?:"(?!#)[^"]*"|'(?!#)[^']*')/gi, "");
  return new TextEncoder().encode(harmless);
}

/** Reads and renders images with sharp. */
export const SHARP_RENDERER = { read: readHead, render: renderWithSharp };
export type Renderer = typeof SHARP_RENDERER;
