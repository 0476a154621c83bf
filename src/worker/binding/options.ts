// The options of a variant, in the terms of the Images binding. The binding lacks some options of the edge, and takes
// others in another form (B7). It may read `undefined` as a value: so no option is there without one. Pure.

import { MAX_SIDE, type OutputFormat, type ShapeOption, type Variant } from "../config/preset.ts";
import { typeFor } from "../edge/guard.ts";
import type { OpenedObject } from "../origin/open-object.ts";
import { isOpaque } from "../origin/sniff.ts";
import { type EngineImage, withFocus } from "../request/focus.ts";
import type { Focus, TransformRequest } from "../request/transform-request.ts";

/** What a preset draws on a picture: an object of the bucket by its key, or a URL, with its options. */
export type Overlay = NonNullable<Variant["image"]["draw"]>[number];

/** What the options of the output depend on: the type of an object, and its first bytes. */
type ObjectBeginning = Pick<OpenedObject, "type"> & {
  readonly body: Pick<OpenedObject["body"], "head">;
};

/** Returns the options of the image itself. The binding has no density: the lengths are multiplied by it. */
export function transformOptions({ image }: Variant, focus?: Focus): ImageTransform {
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
 * Returns the options that shape an image or an overlay, in the order in which they are sent. If presets get another
 * option, the compiler reports that it is missing here.
 */
function shapeOptions(image: Overlay | EngineImage, density: number): ImageTransform {
  return withoutUndefined({
    // The binding takes these as they are.
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

    // These have another form.
    width: scaleSide(image.width, density),
    height: scaleSide(image.height, density),
    fit: bindingFit(image.fit),
    gravity: bindingGravity(image.gravity),
    trim: scaleTrim(image.trim, density),
    border: scaleLengths(image.border, density),
  } satisfies Record<ShapeOption | "fit", unknown>);
}

function scaleSide(side: number | undefined, density: number): number | undefined {
  if (side === undefined) return undefined;
  return scaleLength(side, density);
}

/** Leaves out "scale-up", which the binding lacks. A preset with it is a mistake of the configuration. */
function bindingFit(fit: EngineImage["fit"] | undefined): ImageTransform["fit"] {
  return fit === "scale-up" ? undefined : fit;
}

/** Adds the mode that a point needs. */
function bindingGravity(gravity: EngineImage["gravity"]) {
  if (typeof gravity !== "object") return gravity;
  return { ...gravity, mode: "remainder" } as const;
}

function scaleTrim(trim: EngineImage["trim"], density: number) {
  if (typeof trim !== "object") return trim; // "border"
  return scaleLengths(trim, density);
}

/** Multiplies the lengths of a trim or of a border. Fields that are no numbers stay, such as a colour. */
function scaleLengths<Table extends object>(
  table: Table | undefined,
  density: number,
): Table | undefined {
  if (table === undefined) return undefined;

  const result = { ...table };
  for (const [name, value] of Object.entries(table)) {
    if (typeof value === "number") Object.assign(result, { [name]: scaleLength(value, density) });
  }
  return result;
}

/** @returns px */
function scaleLength(length: number, density: number): number {
  return Math.min(MAX_SIDE, Math.round(length * density));
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

/** Returns the options of the output: its format, its quality, and whether it may move. */
export function outputOptions(
  request: TransformRequest,
  object: ObjectBeginning,
): ImageOutputOptions {
  const { variant, isStill } = request;
  const { quality, anim } = variant.image;
  const type = typeFor(outputFormat(request, object));

  // A PNG with an explicit quality gets a palette, and loses colours (O5): only a preset of PNG asks for that.
  const canHaveQuality = type !== "image/png" || variant.format.includes("png");
  const hasQuality = quality !== undefined && canHaveQuality;
  return {
    format: type,
    ...(hasQuality && { quality: qualityNumber(quality) }),
    anim: anim && !isStill,
  };
}

/** Returns the format to request. The binding has no default for it, while the edge is free to keep JPEG or PNG. */
function outputFormat(request: TransformRequest, object: ObjectBeginning): OutputFormat {
  const { format, variant } = request;
  if (format !== undefined && !isJpegFormat(format)) return format;

  // JPEG has no transparency. So it is JPEG if the preset asks for that, or if no pixel can be transparent.
  if (isJpegFormat(variant.format)) return "jpeg";
  if (isOpaque(object.type, object.body.head)) return "jpeg";
  return "png";
}

function isJpegFormat(format: Variant["format"]): boolean {
  return format === "jpeg" || format === "baseline-jpeg";
}

/** The numbers behind the names of qualities: the binding takes no names. */
const QUALITIES = { high: 90, "medium-high": 80, "medium-low": 65, low: 50 } as const;

function qualityNumber(quality: number | keyof typeof QUALITIES): number {
  return typeof quality === "number" ? quality : QUALITIES[quality];
}
