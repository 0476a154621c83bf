// The facts of a picture, which a route with `facts` shows as JSON in place of the picture: its size, and the size and the
// type of its original. An engine (Cloudflare's image edge, or its Images binding) describes them. Its text is never
// passed on: this file reads the few values that it knows, and writes them anew. So no name, path or metadata of an
// original gets out, whatever the engine adds.

import type { Variant } from "../config/preset.ts";
import type { ObjectType } from "../http/refusal.ts";
import type { Rendition } from "../http/send.ts";
import { parseFocus } from "../request/focus.ts";
import type { Focus } from "../request/transform-request.ts";
import { isPlainObject, parseJson } from "../util/json.ts";
import { namedType } from "./guard.ts";

/** In px. */
type Size = { readonly width: number; readonly height: number };

/** The answer, as JSON has it: the size of the rendition, and what is certain of its original. */
type Facts = Size & { readonly original: OriginalFacts };

type OriginalFacts = {
  /** The sides of the upright original. Both are there, or neither. */
  readonly width?: number;
  readonly height?: number;
  readonly type?: ObjectType;
  /** The focal point of the object, if the preset crops around it. */
  readonly focus?: Focus;
};

/** What an engine's description of a rendition holds. */
type EdgeFactsResult =
  | { readonly kind: "facts"; readonly facts: Facts }
  /** The text is no object of JSON: it may be an image, or a page. */
  | { readonly kind: "no-json" }
  /** A size is missing, or cannot be one. */
  | { readonly kind: "no-size" };

/**
 * Reads an engine's description of a rendition (R9 in docs/rules.md).
 * @param text such as `{"width":40,"height":30,"original":{"width":400,"height":300,"format":"image/jpeg"}}`
 * @param firstBytesType the type of the object by its first bytes
 * @param image the options of the variant: they decide whether the size of the original is certain
 * @param focus the focal point of the object, if the preset uses it
 */
export function readEdgeFacts(
  text: string,
  firstBytesType: ObjectType,
  image: Variant["image"],
  focus?: Focus,
): EdgeFactsResult {
  const description = parseJson(text);
  if (!isPlainObject(description)) return { kind: "no-json" };

  const { original } = description;
  const size = readSize(description);
  const reportedSize = readSize(original);
  if (!size || !reportedSize) return { kind: "no-size" };

  // The first bytes are certain. Only if they do not show the type, the word of the engine counts.
  let type = firstBytesType;
  if (type === "unknown" && isPlainObject(original)) type = namedType(`${original["format"]}`);

  const originalSize = uprightSize(reportedSize, size, image, type);
  return { kind: "facts", facts: createFacts(size, originalSize, type, focus) };
}

/** Writes facts in their one form: JSON keeps this order of the fields. */
function createFacts(
  size: Size,
  originalSize: Size | undefined,
  type: ObjectType,
  focus: Focus | undefined,
): Facts {
  const original = {
    ...originalSize,
    ...(type !== "unknown" && { type }),
    ...(focus && { focus }),
  };
  return { ...size, original };
}

/**
 * Returns whether a text is facts, as this file writes them, and nothing else. An answer in Workers Cache may be of an
 * earlier deploy: visitors get it only if it still has this form.
 */
export function isFacts(text: string): boolean {
  const facts = parseJson(text);
  if (!isPlainObject(facts)) return false;

  const { original } = facts;
  const size = readSize(facts);
  if (!size || !isPlainObject(original)) return false;

  const type = namedType(`${original["type"]}`);
  const focus = readFocusOfFacts(original["focus"]);

  // Facts have one spelling: a text with another field, order, space or number differs from it.
  const rewritten = createFacts(size, readSize(original), type, focus);
  return text === JSON.stringify(rewritten);
}

/** Reads the focal point of facts in the form of an object's metadata: this checks the range and the digits. */
function readFocusOfFacts(value: unknown): Focus | undefined {
  if (!isPlainObject(value)) return undefined;
  return parseFocus(`${value["x"]},${value["y"]}`);
}

/** Makes the answer of facts, which takes the place of a rendition. @param text facts as JSON */
export function factsRendition(text: string): Rendition {
  return {
    body: new Response(text).body,
    type: "application/json",
    length: `${text.length}`, // also in bytes: facts are ASCII
  };
}

/** @returns undefined unless the value is an object with both sides */
function readSize(value: unknown): Size | undefined {
  if (!isPlainObject(value)) return undefined;

  const { width, height } = value;
  if (!isSide(width) || !isSide(height)) return undefined;
  return { width, height };
}

/** More than any side that an engine reads or makes (L1): px. */
const MAX_SIDE = 100_000;

function isSide(value: unknown): value is number {
  if (typeof value !== "number" || !Number.isInteger(value)) return false;
  return value >= 1 && value <= MAX_SIDE;
}

/** The options of a variant that can change the shape of a picture. */
type ShapeOptions = Pick<Variant["image"], "fit" | "trim" | "border" | "rotate">;

/** The values of `fit` that neither crop a picture, nor add to it, nor distort it. */
const SHAPE_KEEPING_FITS: readonly string[] = ["scale-down", "scale-up", "contain"];

/**
 * Returns the size of an original after the rotation that EXIF asks for, which an engine always applies (O9).
 * @param reported the size of the original, as the engine reports it
 * @param rendition the size of the rendition
 * @returns undefined if the size is not certain
 */
export function uprightSize(
  reported: Size,
  rendition: Size,
  image: ShapeOptions,
  type: ObjectType,
): Size | undefined {
  if (reported.width === reported.height) return reported;
  // A GIF has no EXIF data. PNG, WebP and AVIF can have them.
  if (type === "image/gif") return reported;

  // It is not known whether the engine reports the size before or after that rotation (R9). But where the preset keeps
  // the shape (the ratio of the sides), the rendition has the shape of the upright original, and shows it.
  const keepsShape = !image.trim && !image.border && SHAPE_KEEPING_FITS.includes(image.fit);
  if (!keepsShape) return undefined;

  // The preset's own rotation by 90 or 270 degrees comes after that of EXIF (O11): it is undone first.
  const { rotate = 0 } = image;
  const isTurned = rotate % 180 !== 0;
  const uprightRendition = isTurned ? swapSides(rendition) : rendition;

  const rotated = swapSides(reported);
  const fitsReported = haveSameShape(reported, uprightRendition);
  const fitsRotated = haveSameShape(rotated, uprightRendition);

  // Both fit if the picture is nearly square. Or neither does.
  if (fitsReported === fitsRotated) return undefined;
  return fitsReported ? reported : rotated;
}

function swapSides(size: Size): Size {
  return { width: size.height, height: size.width };
}

/** Returns whether `scaled` may be `size`, scaled and then rounded to whole px. */
function haveSameShape(size: Size, scaled: Size): boolean {
  // Before the rounding, the two products are equal. It moves each side of `scaled` by less than 1 px. So the first
  // product changes by less than `size.height`, and the second one by less than `size.width`.
  const difference = Math.abs(scaled.width * size.height - scaled.height * size.width);
  return difference < size.width + size.height;
}
