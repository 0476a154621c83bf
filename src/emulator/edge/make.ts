// What the edge makes of an object: a rendition, facts as JSON, a sanitised SVG, or the original
// itself. A switch decides whether the edge admits that it passed the original on.

import { decodes } from "./decodes.ts";
import { LONGEST_AVIF_SIDE } from "./encode.ts";
import { type Fault, isFault } from "./faults.ts";
import type { Fetched } from "./fetch-original.ts";
import type { Size } from "./geometry.ts";
import type { ImageOptions } from "./image-options.ts";
import { type Original, readOriginal } from "./read-original.ts";
import {
  type makeRendition,
  measure,
  type Overlay,
  type Rendition,
  uprightSize,
} from "./rendition.ts";
import { sanitiseSvg } from "./sanitise-svg.ts";
import type { Switches } from "./switches.ts";

/** The body of an answer, and what its headers say. */
export type Made = {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** R6 */
  readonly warnings: readonly string[];
  /** False: the answer has no `cf-resized`, as if the edge had not been asked for an image (R2). */
  readonly marked: boolean;
};

/** Makes what `cf.image` asks for, or returns why the edge cannot. */
export async function make(
  found: Fetched,
  image: ImageOptions,
  overlays: readonly Overlay[],
  switches: Switches,
  maker: typeof makeRendition,
): Promise<Made | Fault> {
  const original = await readOriginal(found.bytes, switches);
  if (isFault(original)) return original;
  if ("svg" in original) {
    if (image.format !== undefined && image.format !== "svg") return { code: 9412, status: 415 }; // R8
    const marked = switches.svg === "marked";
    return { type: "image/svg+xml", bytes: sanitiseSvg(original.svg), warnings: [], marked };
  }
  if (image.format === "svg") return { code: 9412, status: 415 }; // R8: a raster image does not become an SVG
  return await decodes(() => develop(original, image, overlays, switches, maker));
}

async function develop(
  original: Original,
  image: ImageOptions,
  overlays: readonly Overlay[],
  switches: Switches,
  maker: typeof makeRendition,
): Promise<Made | Fault> {
  const size = await measure(original, image);
  if (image.format === "json") return await facts(original, size, switches);

  const { width, height, frames } = original;
  const longest = Math.max(size.width, size.height);
  if (longest > switches.limits.side) return { code: 9413, status: 403 }; // L1
  if (frames > 1 && image.anim !== false && width * height * frames > switches.limits.animation) {
    return untouched(original, [], switches.animationTooLarge === "marked"); // O8
  }
  if (image.format === "avif" && longest > LONGEST_AVIF_SIDE) {
    if (switches.avifTooLarge === "passed-through") {
      return untouched(original, ["image too large for AVIF"], true); // O7
    }
    const instead = { ...image, format: switches.avifTooLarge };
    return develop(original, instead, overlays, switches, maker);
  }
  const rendition = await maker(original, image, overlays, switches);
  const { type, bytes, warnings } = rendition;
  const { of, sent } = switches.originalIsSmaller;
  if (!isOriginalSmaller(original, image, rendition, of)) {
    return { type, bytes, warnings, marked: true };
  }
  const told = [...warnings, "original is smaller"]; // R6
  if (sent === "original" && type === original.type) return untouched(original, told, true);
  return { type, bytes, warnings: told, marked: true };
}

/** Returns whether the edge warns that the original is smaller (R6). */
function isOriginalSmaller(
  original: Original,
  image: ImageOptions,
  rendition: Rendition,
  of: Switches["originalIsSmaller"]["of"],
): boolean {
  const { width, height } = original;
  if (of === "sides") {
    return Math.max(width, height) < Math.max(image.width ?? 0, image.height ?? 0);
  }
  return (
    rendition.type === original.type &&
    rendition.width * rendition.height === width * height &&
    original.bytes.length < rendition.bytes.length
  );
}

function untouched({ type, bytes }: Original, warnings: readonly string[], marked: boolean): Made {
  return { type, bytes, warnings, marked };
}

/** The facts about an image, sent in place of the image (R9). */
async function facts(
  original: Original,
  size: Size,
  { originalFormat, originalSides }: Switches,
): Promise<Made> {
  const { bytes, type } = original;
  const isUpright = originalSides === "upright"; // O9
  const { width, height } = isUpright ? await uprightSize(original) : original;
  const format = originalFormat === "type" ? type : type.replace("image/", "");
  const told = { ...size, original: { file_size: bytes.length, width, height, format } };
  return {
    type: "application/json",
    bytes: new TextEncoder().encode(JSON.stringify(told)),
    warnings: [],
    marked: true,
  };
}
