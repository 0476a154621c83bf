// The options of a variant, in the terms of the Images binding. The binding lacks some options of the edge, and takes
// others in another form (B7 in docs/rules.md). An option that is not set is left out: the binding may read `undefined`
// as a value. Pure.

import { MAX_SIDE, type OutputFormat, type ShapeOption, type Variant } from "../config/preset.ts";
import { typeFor } from "../edge/guard.ts";
import type { ObjectType } from "../http/refusal.ts";
import { isOpaque } from "../origin/opaque.ts";
import { type EngineImage, withFocus } from "../request/focus.ts";
import { qualityNumber } from "../request/quality.ts";
import type { Focus, TransformRequest } from "../request/transform-request.ts";

/** What a preset draws on a picture: an object of the bucket by its key, or a URL, with its options. */
export type Overlay = NonNullable<Variant["image"]["draw"]>[number];

/** Returns the options of the image itself. */
export function transformOptions(image: Variant["image"], focus?: Focus): ImageTransform {
  // The binding has no density (pixels for one CSS pixel), so the lengths are multiplied by it.
  const density = image.dpr ?? 1;
  return shapeOptions(withFocus(image, focus), density);
}

/** Returns the options of an overlay, and where and how it is drawn. */
export function overlayOptions(overlay: Overlay): {
  shape: ImageTransform;
  draw: ImageDrawOptions;
} {
  const shape = shapeOptions(overlay, 1);
  const draw = withoutUndefined({
    opacity: overlay.opacity,
    repeat: overlay.repeat,
    composite: overlay.composite,
    top: overlay.top,
    right: overlay.right,
    bottom: overlay.bottom,
    left: overlay.left,
  });
  return { shape, draw };
}

/**
 * Returns the options that shape an image or an overlay, in the order in which they are sent.
 */
function shapeOptions(image: Overlay | EngineImage, density: number): ImageTransform {
  const { fit, gravity } = image;

  // The binding lacks "scale-up". A preset with it is a mistake of the configuration.
  const bindingFit = fit === "scale-up" ? undefined : fit;

  // The binding demands a mode for a point (B7).
  const isPoint = typeof gravity === "object";
  const bindingGravity = isPoint ? ({ ...gravity, mode: "remainder" } as const) : gravity;

  return withoutUndefined({
    background: image.background,
    rotate: image.rotate,
    flip: image.flip,
    sharpen: image.sharpen,
    blur: image.blur,
    brightness: image.brightness,
    contrast: image.contrast,
    gamma: image.gamma,
    saturation: image.saturation,
    segment: image.segment,
    width: scaleLength(image.width, density),
    height: scaleLength(image.height, density),
    fit: bindingFit,
    gravity: bindingGravity,
    trim: scaleLengths(image.trim, density),
    border: scaleLengths(image.border, density),
    // If `commonOptions` gets another option, the compiler reports here that it is missing.
  } satisfies Record<ShapeOption | "fit", unknown>);
}

/** Multiplies a length in px. What is no number stays as it is: a length that is not set, or a colour. */
function scaleLength<Value>(value: Value, density: number): Value | number {
  if (typeof value !== "number") return value;
  return Math.min(MAX_SIDE, Math.round(value * density));
}

/**
 * Multiplies the lengths of a trim or a border: with density 2, `{ color: "red", width: 5 }` gets the width 10. What is
 * no table stays as it is: `undefined`, or the trim "border".
 */
function scaleLengths<Table extends object | string | undefined>(
  table: Table,
  density: number,
): Table {
  if (typeof table !== "object") return table;

  const result = { ...table };
  for (const [name, value] of Object.entries(table)) {
    // The same as `result[name] = …`. The compiler refuses that, because to it `name` may be any text.
    Object.assign(result, { [name]: scaleLength(value, density) });
  }
  return result;
}

/** A table whose entries may be missing, but are never `undefined`. */
type Defined<Table> = { [Name in keyof Table]?: Exclude<Table[Name], undefined> };

/** Leaves out the entries of a table that are `undefined`. The others keep their order. */
function withoutUndefined<Table extends object>(table: Table): Defined<Table> {
  const result: Defined<Table> = {};
  for (const [name, value] of Object.entries(table)) {
    if (value !== undefined) Object.assign(result, { [name]: value });
  }
  return result;
}

/**
 * Returns the options of the output: its format, its quality, and whether it may move.
 * @param type of the object, by its first bytes
 * @param head these first bytes
 */
export function outputOptions(
  request: TransformRequest,
  type: ObjectType,
  head: Uint8Array,
): ImageOutputOptions {
  const { variant, image, isStill } = request;
  const { quality, anim } = image;
  const format = typeFor(outputFormat(request, type, head));

  // A PNG with a quality gets a palette, and loses colours (O5). That is only meant if the preset itself says PNG.
  const isPngPreset = variant.format.startsWith("png"); // "png" or "png-force"
  const canHaveQuality = format !== "image/png" || isPngPreset;
  const hasQuality = quality !== undefined && canHaveQuality;
  return {
    format,
    // The binding takes no names of qualities.
    ...(hasQuality && { quality: qualityNumber(quality) }),
    anim: anim && !isStill, // each preset has `anim`, or its default
  };
}

/** Returns the format to request. The binding has no default: where the edge may choose, the Worker has to. */
function outputFormat(
  { format, variant }: TransformRequest,
  type: ObjectType,
  head: Uint8Array,
): OutputFormat {
  const isJpeg = format === "jpeg" || format === "baseline-jpeg";
  if (format && !isJpeg) return format;

  const isJpegPreset = variant.format.includes("jpeg"); // "jpeg" or "baseline-jpeg"
  if (isJpegPreset) return "jpeg";

  // The preset says another format, or "auto". So the picture must keep its transparency, which JPEG does not have.
  return isOpaque(type, head) ? "jpeg" : "png";
}
