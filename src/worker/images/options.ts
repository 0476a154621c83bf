// What the Images binding is asked for: the options of a variant in its terms. Pure.

import { LONGEST_SIDE, type Variant } from "../config/preset.ts";
import type { OpenedObject } from "../origin/open-object.ts";
import { isOpaque } from "../origin/sniff.ts";
import { mayBePng, type TransformRequest } from "../request/format.ts";

type Image = Variant["image"];
type Overlay = NonNullable<Image["draw"]>[number];

/** What the image and its overlays have in common. */
type Shape = Omit<Overlay, "url" | "key" | "opacity" | "repeat" | "composite" | Side>;
type Side = "top" | "right" | "bottom" | "left";

/** The numbers behind the names of qualities: the binding takes no names (B7). */
const QUALITIES = { high: 90, "medium-high": 80, "medium-low": 65, low: 50 } as const;

const MIMES = {
  avif: "image/avif",
  webp: "image/webp",
  jpeg: "image/jpeg",
  "baseline-jpeg": "image/jpeg",
  png: "image/png",
  "png-force": "image/png",
} as const;

/** The options of the image itself. The binding has no density: the lengths are multiplied (B7). */
export function transformOptions({ image }: Variant): ImageTransform {
  return shapeOf(image, image.dpr ?? 1);
}

/** The options of an overlay, and where and how it is drawn. */
export function overlayOptions(overlay: Overlay): {
  shape: ImageTransform;
  draw: ImageDrawOptions;
} {
  const { url: _url, key: _key, opacity, repeat, composite, ...rest } = overlay;
  const { top, right, bottom, left, ...shape } = rest;
  const draw = { opacity, repeat, composite, top, right, bottom, left };
  return { shape: shapeOf(shape, 1), draw: without(draw) };
}

/**
 * The format. Where none is asked for, or a JPEG that the variant does not ask for, it is JPEG if no pixel
 * can be transparent, else PNG.
 */
export function outputOptions(
  request: TransformRequest,
  {
    type,
    body,
  }: Pick<OpenedObject, "type"> & { readonly body: Pick<OpenedObject["body"], "head"> },
): ImageOutputOptions {
  const { format, variant, still } = request;
  const { quality, anim } = variant.image;
  const isFree = format === undefined || /jpeg/.test(format);
  const isJpeg = /jpeg/.test(variant.format) || isOpaque(type, body.head);
  const output = !isFree ? MIMES[format] : isJpeg ? MIMES.jpeg : MIMES.png;
  const hasQuality = output !== MIMES.png || !mayBePng(request); // O5
  return {
    format: output,
    ...(quality !== undefined &&
      hasQuality && { quality: typeof quality === "number" ? quality : QUALITIES[quality] }),
    anim: anim && !still,
  };
}

/** What `shapeOf` reads by itself. */
type Lengths = "width" | "height" | "fit" | "gravity" | "trim" | "border";
/** What belongs to the output or to the steps, and what `limitsOf` of engine-limits.ts refuses. */
type Elsewhere =
  | "dpr"
  | "quality"
  | "anim"
  | "draw"
  | "zoom"
  | "upscale"
  | "metadata"
  | "compression";
/** A new option is an error of types, until it is in one of the two or in `plain`. */
type Plain = Exclude<keyof Shape | keyof Image, Lengths | Elsewhere>;

function shapeOf(image: Shape | Image, dpr: number): ImageTransform {
  const { width, height, fit, gravity, trim, border } = image;
  const px = (length: number) => Math.min(LONGEST_SIDE, Math.round(length * dpr));
  const plain = {
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
  } satisfies Record<Plain, unknown>;
  return {
    ...without(plain),
    ...(width !== undefined && { width: px(width) }),
    ...(height !== undefined && { height: px(height) }),
    ...(fit !== undefined && fit !== "scale-up" && { fit }),
    ...(gravity !== undefined && {
      gravity: typeof gravity === "string" ? gravity : { ...gravity, mode: "remainder" },
    }),
    ...(trim !== undefined && {
      trim: typeof trim === "string" ? trim : scaled(trim, px),
    }),
    ...(border !== undefined && { border: scaled(border, px) }),
  };
}

/** Multiplies the lengths of a table. */
function scaled<T extends object>(table: T, px: (length: number) => number): T {
  const entries = Object.entries(table);
  return Object.assign(
    { ...table },
    Object.fromEntries(
      entries.flatMap(([name, one]) => (typeof one === "number" ? [[name, px(one)]] : [])),
    ),
  );
}

/** Leaves out what is not set: the binding may read `undefined` as a value. */
function without<T extends object>(table: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const result: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  Object.assign(
    result,
    Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined)),
  );
  return result;
}
