// The options of a variant in the terms of the Images binding. Pure.

import { MAX_SIDE, SHAPE_OPTIONS, type ShapeOption, type Variant } from "../config/preset.ts";
import { typeFor } from "../edge/guard.ts";
import type { OpenedObject } from "../origin/open-object.ts";
import { isOpaque } from "../origin/sniff.ts";
import { type EngineImage, withFocus } from "../request/focus.ts";
import type { Focus, TransformRequest } from "../request/transform-request.ts";

type ImageOptions = Variant["image"];
type Overlay = NonNullable<ImageOptions["draw"]>[number];

/** The numbers behind the names of qualities: the binding takes no names (B7). */
const QUALITIES = { high: 90, "medium-high": 80, "medium-low": 65, low: 50 } as const;

/** The options of the image itself. The binding has no density: the lengths are multiplied (B7). */
export function transformOptions({ image }: Variant, focus?: Focus): ImageTransform {
  return shapeOf(withFocus(image, focus), image.dpr ?? 1);
}

/** The options of an overlay, and where and how it is drawn. */
export function overlayOptions(overlay: Overlay): {
  shape: ImageTransform;
  draw: ImageDrawOptions;
} {
  return { shape: shapeOf(overlay, 1), draw: pickSet(overlay, DRAW) };
}

/**
 * The format. Without a format, and for JPEG, it is JPEG if the preset asks for JPEG or no pixel can be transparent,
 * else PNG.
 */
export function outputOptions(
  request: TransformRequest,
  {
    type,
    body,
  }: Pick<OpenedObject, "type"> & { readonly body: Pick<OpenedObject["body"], "head"> },
): ImageOutputOptions {
  const { format, variant, isStill } = request;
  const { quality, anim } = variant.image;
  const isJpegOrPng = format === undefined || /jpeg/.test(format);
  const canBeJpeg = /jpeg/.test(variant.format) || isOpaque(type, body.head);
  const jpegOrPng = canBeJpeg ? "jpeg" : "png";
  const output = typeFor(isJpegOrPng ? jpegOrPng : format);
  const hasQuality = output !== "image/png" || /png/.test(variant.format); // O5
  return {
    format: output,
    ...(quality !== undefined &&
      hasQuality && { quality: typeof quality === "number" ? quality : QUALITIES[quality] }),
    anim: anim && !isStill,
  };
}

function shapeOf(image: Overlay | EngineImage, dpr: number): ImageTransform {
  const px = (length: number) => Math.min(MAX_SIDE, Math.round(length * dpr));
  const { width, height, fit, gravity, trim, border } = image;
  return {
    ...pickSet(image, PLAIN),
    ...(width !== undefined && { width: px(width) }),
    ...(height !== undefined && { height: px(height) }),
    ...(fit !== undefined && fit !== "scale-up" && { fit }), // a mistake of the configuration (B7)
    ...(gravity !== undefined && {
      gravity: typeof gravity === "string" ? gravity : { ...gravity, mode: "remainder" },
    }),
    ...(trim !== undefined && { trim: typeof trim === "string" ? trim : scaled(trim, px) }),
    ...(border !== undefined && { border: scaled(border, px) }),
  };
}

/** The options to which `shapeOf` gives another form. */
const CHANGED = ["width", "height", "gravity", "trim", "border"] as const;
type Plain = Exclude<ShapeOption, (typeof CHANGED)[number]>;

/** The options that the binding takes as they are (B7). */
const PLAIN = SHAPE_OPTIONS.filter(
  (option): option is Plain => !CHANGED.some((changed) => changed === option),
);

/** How an overlay is drawn. */
const DRAW = ["opacity", "repeat", "composite", "top", "right", "bottom", "left"] as const;

/** Some entries of a table, without those that are not set: the binding may read `undefined` as a value. */
function pickSet<T extends object, Name extends keyof T>(table: T, names: readonly Name[]) {
  const result: { [K in Name]?: Exclude<T[K], undefined> } = {};
  const set = names.filter((name) => table[name] !== undefined);
  return Object.assign(result, Object.fromEntries(set.map((name) => [name, table[name]])));
}

/** Multiplies the lengths of a table. */
function scaled<T extends object>(table: T, px: (length: number) => number): T {
  const lengths = Object.entries(table).flatMap(([name, value]) =>
    typeof value === "number" ? [[name, px(value)]] : [],
  );
  return Object.assign({ ...table }, Object.fromEntries(lengths));
}
