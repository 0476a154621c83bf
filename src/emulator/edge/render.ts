// Renders an object: a rendition, facts as JSON, a sanitised SVG, or the original itself. A switch decides whether
// the edge marks an original that it passed on.

import { decode, mapFrames } from "./decode.ts";
import { type Encoded, encode, isAnimated, MAX_AVIF_SIDE } from "./encode.ts";
import { type Fault, isEdgeFault } from "./faults.ts";
import { outputSize, trimBox } from "./geometry.ts";
import type { ImageOptions, OverlayOptions } from "./options.ts";
import { identifyOriginal, type PixelSize, type RasterOriginal, readHead } from "./original.ts";
import type { Switches } from "./switches.ts";
import { drawOverlay, transform } from "./transform.ts";

/** The body of an answer, and what its headers say. */
export type Output = {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** R6 */
  readonly warnings: readonly string[];
  /** False: the answer has no `cf-resized`, as if `cf.image` were not set (R2). */
  readonly isMarked: boolean;
};

export type Overlay = { readonly options: OverlayOptions; readonly original: RasterOriginal };

/** The sides are those of one frame, in px. */
export type RenderedImage = Encoded & PixelSize & Pick<Output, "warnings">;

/** Renders an object as `cf.image` says, or returns why the edge cannot. */
export async function renderOutput(
  object: Uint8Array,
  image: ImageOptions,
  overlays: readonly Overlay[],
  switches: Switches,
  renderer: Renderer,
): Promise<Output | Fault> {
  const original = await identifyOriginal(object, switches, renderer.read);
  if (isEdgeFault(original)) return original;
  if (original.type === "image/svg+xml") {
    if (image.format !== undefined && image.format !== "svg") return { code: 9412, status: 415 }; // R8
    const bytes = sanitiseSvg(original.svg);
    return { type: "image/svg+xml", bytes, warnings: [], isMarked: switches.svg === "marked" };
  }
  if (image.format === "svg") return { code: 9412, status: 415 }; // R8: a raster image is no SVG
  return await orDecodeFault(() =>
    renderImage(original, image, overlays, switches, renderer.render),
  );
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

async function renderImage(
  original: RasterOriginal,
  image: ImageOptions,
  overlays: readonly Overlay[],
  switches: Switches,
  render: typeof renderWithSharp,
): Promise<Output | Fault> {
  const size = measure(original, image);
  if (image.format === "json") return describeOriginal(original, size, switches);

  const { width, height, frames } = original;
  const longestSide = Math.max(size.width, size.height);
  if (longestSide > switches.limits.side) return { code: 9413, status: 403 }; // L1
  if (frames > 1 && image.anim !== false && width * height * frames > switches.limits.animation) {
    return outputOf(original, [], switches.animationTooLarge === "marked"); // O8
  }
  const isAvifTooLarge = image.format === "avif" && longestSide > MAX_AVIF_SIDE;
  const replacement = isAvifTooLarge && switches.avifTooLarge; // O7
  if (replacement === "passed-through")
    return outputOf(original, ["image too large for AVIF"], true);
  const options = replacement ? { ...image, format: replacement } : image;
  const rendition = await render(original, options, overlays, switches);
  const { comparedBy, sent } = switches.originalIsSmaller;
  const isSmaller = isOriginalSmaller(original, image, rendition, comparedBy);
  const warnings = [...rendition.warnings, ...(isSmaller ? ["original is smaller"] : [])]; // R6
  const isPassedOn = isSmaller && sent === "original" && rendition.type === original.type;
  return outputOf(isPassedOn ? original : rendition, warnings, true);
}

/** Returns whether the edge warns that the original is smaller (R6). */
function isOriginalSmaller(
  original: RasterOriginal,
  image: ImageOptions,
  rendition: RenderedImage,
  comparedBy: Switches["originalIsSmaller"]["comparedBy"],
): boolean {
  const { width, height } = original;
  if (comparedBy === "sides") {
    return Math.max(width, height) < Math.max(image.width ?? 0, image.height ?? 0);
  }
  return (
    rendition.type === original.type &&
    rendition.width * rendition.height === width * height &&
    original.bytes.length < rendition.bytes.length
  );
}

function outputOf({ type, bytes }: Encoded, warnings: readonly string[], isMarked: boolean) {
  return { type, bytes, warnings, isMarked };
}

/** The facts about an image, sent in place of the image (R9). */
function describeOriginal(
  original: RasterOriginal,
  size: PixelSize,
  { originalFormat, originalSides }: Switches,
): Output {
  const { bytes, type } = original;
  const { width, height } = originalSides === "upright" ? original.upright : original; // O9
  const format = originalFormat === "type" ? type : type.replace("image/", "");
  const facts = { ...size, original: { file_size: bytes.length, width, height, format } };
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

  let drawn = await transform(frames, image);
  for (const { options, original } of overlays) {
    const [layer] = await transform((await decode(original, false)).frames, options);
    drawn = await mapFrames(drawn, (frame) => drawOverlay(frame, layer, options));
  }
  const encoded = await encode(drawn, original.type, image, { ...settings, metadata });

  const hasExactlyOneSide = (image.width === undefined) !== (image.height === undefined);
  const isIncompleteCover = image.fit === "cover" && hasExactlyOneSide;
  const warnings = isIncompleteCover ? ["cover fit mode needs both width and height"] : []; // O3

  const { width, height } = drawn[0];
  return { ...encoded, width, height, warnings };
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
