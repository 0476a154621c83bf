// What the edge makes of an original: a print, facts about it, or the original itself, which it says
// or does not say.

import type { Fault } from "./faults.ts";
import type { Fetched } from "./origin.ts";
import { type Original, readOriginal, sanitise } from "./original.ts";
import { makePrint, measure, type Overlay } from "./pixels.ts";
import type { Switches } from "./switches.ts";

/** An answer's body, and what its headers are made of. */
export type Made = {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** R6 */
  readonly warnings: readonly string[];
  /** False: the answer bears no `cf-resized`, as if nothing had been attempted (R2). */
  readonly marked: boolean;
};

const LONGEST_AVIF_SIDE = 1_200; // O7

/** Makes what `cf.image` asks for of an object, or says why it cannot. */
export async function make(
  found: Fetched,
  image: RequestInitCfPropertiesImage,
  overlays: readonly Overlay[],
  switches: Switches,
): Promise<Made | Fault> {
  const original = await readOriginal(found.bytes, switches);
  if (typeof original === "string") return original;
  if ("svg" in original) {
    if (image.format !== undefined && image.format !== "svg") return "9412/415"; // R8
    const marked = switches.svg === "marked";
    return { type: "image/svg+xml", bytes: sanitise(original), warnings: [], marked };
  }
  if (image.format === "svg") return "9412/415"; // R8: nothing is made into an SVG
  try {
    return await develop(original, image, overlays, switches);
  } catch (error) {
    // What sharp cannot decode is a plain Error; all else is a fault of this code's.
    if (error instanceof Error && error.constructor === Error) return "9516/422";
    throw error;
  }
}

async function develop(
  original: Original,
  image: RequestInitCfPropertiesImage,
  overlays: readonly Overlay[],
  switches: Switches,
): Promise<Made | Fault> {
  const untouched = { type: original.type, bytes: original.bytes };
  const size = await measure(original, image);
  if (image.format === "json") return facts(original, size);

  const { width, height, frames } = original;
  if (Math.max(size.width, size.height) > switches.limits.side) return "9413/403"; // L1
  if (frames > 1 && image.anim !== false && width * height * frames > switches.limits.animation) {
    return { ...untouched, warnings: [], marked: switches.animationTooLarge === "marked" }; // O8
  }
  const tooLarge = Math.max(size.width, size.height) > LONGEST_AVIF_SIDE; // O7
  if (image.format === "avif" && tooLarge) {
    if (switches.avifTooLarge === "passed-through") {
      return { ...untouched, warnings: ["image too large for AVIF"], marked: true };
    }
    return develop(original, { ...image, format: switches.avifTooLarge }, overlays, switches);
  }
  const print = await makePrint(original, image, overlays, switches);
  const made = { type: print.type, bytes: print.bytes, warnings: print.warnings, marked: true };
  const { of, sent } = switches.originalIsSmaller; // R6
  const smaller =
    of === "sides"
      ? Math.max(width, height) < Math.max(image.width ?? 0, image.height ?? 0)
      : print.type === original.type &&
        print.width * print.height === width * height &&
        original.bytes.length < print.bytes.length;
  if (!smaller) return made;
  const warnings = [...print.warnings, "original is smaller"];
  const whose = sent === "original" && print.type === original.type ? untouched : made;
  return { ...whose, warnings, marked: true };
}

/** What is told of an image in place of it (R9). */
function facts(original: Original, size: { width: number; height: number }): Made {
  const { bytes, width, height, type } = original;
  const told = { ...size, original: { file_size: bytes.length, width, height, format: type } };
  return {
    type: "application/json",
    bytes: new TextEncoder().encode(JSON.stringify(told)),
    warnings: [],
    marked: true,
  };
}
