// Which way up an original is. Pure.

import type { ObjectType } from "../base/object-type.ts";
import type { Variant } from "../config/preset.ts";

/** In px. */
export type Size = { readonly width: number; readonly height: number };

type Shape = Pick<Variant["image"], "fit" | "trim" | "border" | "rotate">;

const KEEPS_RATIO: ReadonlySet<Shape["fit"]> = new Set([
  "scale-down",
  "scale-up",
  "contain",
] as const);

/**
 * The size of an original after the rotation that EXIF asks for (O9). Whether the edge tells the size
 * before or after it is not known (R9): the shape of the rendition shows it, where the preset keeps the
 * shape.
 * @param told as the edge tells it
 * @param made the size of the rendition
 * @returns undefined if it is not certain
 */
export function uprightSize(
  told: Size,
  made: Size,
  { fit, trim, border, rotate = 0 }: Shape,
  type: ObjectType,
): Size | undefined {
  // A GIF has no EXIF data. PNG, WebP and AVIF can have them.
  if (told.width === told.height || type === "image/gif") return told;
  if (!KEEPS_RATIO.has(fit) || trim || border) return undefined;
  const shape = rotate % 180 === 0 ? made : turned(made); // O11
  const other = turned(told);
  const isTold = haveOneShape(told, shape);
  if (isTold === haveOneShape(other, shape)) return undefined;
  return isTold ? told : other;
}

function turned({ width, height }: Size): Size {
  return { width: height, height: width };
}

/**
 * Returns whether a picture can become another one by scaling alone, if each side of that is less than
 * 1 px away from the exact one.
 */
function haveOneShape(one: Size, scaled: Size): boolean {
  const away = Math.abs(scaled.width * one.height - scaled.height * one.width);
  return away < one.width + one.height;
}
