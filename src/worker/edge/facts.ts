// The facts of a picture, which a route with `facts` shows: its size, and the size and type of its
// original. They are written anew: nothing else of the edge's answer gets out.

import type { Variant } from "../config/preset.ts";
import type { ObjectType } from "../http/refusal.ts";
import type { Rendition } from "../http/send.ts";
import { readFocus } from "../request/focus.ts";
import type { Focus } from "../request/transform-request.ts";
import { isPlainObject, parseJson } from "../util/json.ts";
import { namedType } from "./guard.ts";

/** The answer, as JSON. */
type Facts = Size & {
  /** Each fact only if it is certain. The size is upright. The focal point is there if the preset uses it. */
  readonly original: Partial<Size> & { readonly type?: ObjectType; readonly focus?: Focus };
};

/** More than any side that an engine reads or makes (L1): px. */
const MAX_SIDE = 100_000;

/**
 * Reads an engine's description of a rendition (R9).
 * @param type of the object, by its first bytes
 * @param focus of the object, where the preset uses it
 * @returns undefined if a size is missing or cannot be one
 */
export function readEdgeFacts(
  text: string,
  type: ObjectType,
  image: Variant["image"],
  focus?: Focus,
): Facts | "no-json" | undefined {
  const parsed = parseJson(text);
  if (!isPlainObject(parsed)) return "no-json";
  const size = sizeIn(parsed);
  const { original } = parsed;
  const reported = sizeIn(original);
  if (!size || !reported) return undefined;
  const reportedType = isPlainObject(original) ? namedType(`${original["format"]}`) : "unknown";
  const originalType = type === "unknown" ? reportedType : type;
  return {
    ...size,
    original: {
      ...uprightSize(reported, size, image, originalType),
      ...(originalType !== "unknown" && { type: originalType }),
      ...(focus && { focus }),
    },
  };
}

/** Returns whether a text is facts, as this file writes them, and nothing else. */
export function isFacts(text: string): boolean {
  const facts = parseJson(text);
  const size = sizeIn(facts);
  const original = isPlainObject(facts) ? facts["original"] : undefined;
  if (!size || !isPlainObject(original)) return false;
  const type = namedType(`${original["type"]}`);
  const { x, y } = isPlainObject(original["focus"]) ? original["focus"] : {};
  const focus = readFocus({ metadata: new Map([["focus", `${x},${y}`]]) }); // it checks the range and the spelling
  const more = { ...(type !== "unknown" && { type }), ...(focus && { focus }) };
  return text === JSON.stringify({ ...size, original: { ...sizeIn(original), ...more } });
}

/** Facts in place of a rendition. */
export function factsRendition(facts: Facts | string): Rendition {
  const text = typeof facts === "string" ? facts : JSON.stringify(facts);
  return { body: new Response(text).body, type: "application/json", length: `${text.length}` };
}

function sizeIn(value: unknown): Size | undefined {
  const { width, height } = isPlainObject(value) ? value : {};
  return isSide(width) && isSide(height) ? { width, height } : undefined;
}

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_SIDE;
}

/** In px. */
export type Size = { readonly width: number; readonly height: number };

type Shape = Pick<Variant["image"], "fit" | "trim" | "border" | "rotate">;

/**
 * The size of an original after the rotation that EXIF asks for (O9). Whether the edge reports the size
 * before or after that rotation is not known (R9): the shape of the rendition shows it, where the preset keeps the
 * shape.
 * @param reported by the edge
 * @param rendition the size of the rendition
 * @returns undefined if the size is not certain
 */
export function uprightSize(
  reported: Size,
  rendition: Size,
  { fit, trim, border, rotate = 0 }: Shape,
  type: ObjectType,
): Size | undefined {
  // A GIF has no EXIF data. PNG, WebP and AVIF can have them.
  if (reported.width === reported.height || type === "image/gif") return reported;
  const keepsRatio = /^(?:scale-|contain)/.test(fit);
  if (!keepsRatio || trim || border) return undefined;
  const shape = rotate % 180 === 0 ? rendition : turned(rendition); // O11
  const rotated = turned(reported);
  const isReported = haveSameShape(reported, shape);
  if (isReported === haveSameShape(rotated, shape)) return undefined;
  return isReported ? reported : rotated;
}

function turned({ width, height }: Size): Size {
  return { width: height, height: width };
}

/** Returns whether a size is another one, scaled: rounding moves each side by less than 1 px. */
function haveSameShape(size: Size, scaled: Size): boolean {
  const difference = Math.abs(scaled.width * size.height - scaled.height * size.width);
  return difference < size.width + size.height;
}
