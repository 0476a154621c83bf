// The schema of presets, and the variants of a preset. A preset is a named set of image options, each with its range.
// They are the options that Cloudflare's image edge takes of a Worker (O1–O12 in docs/rules.md). A variant is what a
// visitor may ask for: a preset in one of its sizes. No I/O.
//
// DO NOT reorder the options in this file: the names of stored renditions follow from their order. In another order,
// each rendition would be made and billed anew.

import { keyFault } from "../../url/key.ts";
import type { PixelSize } from "../../url/rendition-size.ts";
import { type Size, sizesOf } from "../../url/sizes.ts";
import { hasProperty, isPlainObject } from "../util/json.ts";
import {
  type AddMistake,
  boolean,
  choose,
  type Infer,
  integer,
  listOf,
  numberBetween,
  oneOf,
  optional,
  type PartialTable,
  table,
  text,
  textLike,
  textThat,
} from "./schema.ts";

/** A preset as wrangler.toml has it, with its defaults. */
export type Preset = Infer<typeof presetSchema>;

/** A preset while it is checked. */
type PartialPreset = PartialTable<typeof presetOptions>;

export type OutputFormat = Exclude<Preset["format"], "auto">;

/** What a visitor may ask for: a preset, alone or with a descriptor of one of its sizes, such as `@2x`. */
export type Variant = {
  /** The name of the preset. */
  readonly preset: string;
  readonly format: Preset["format"];
  /** Whether no side that the preset sets is too long for AVIF (O7). Those of a rendition follow from its original. */
  readonly avif: boolean;
  /** The options for the edge, with the sides of this size. The format is added for each visitor. */
  readonly image: Omit<Preset, "format" | "dpr" | "widths"> & {
    /** One of the factors that the preset lists. */
    dpr?: number;
  };
};

/** The longest side of a rendition, in px (L1). */
export const MAX_SIDE = 12_000;

/** The longest side of an AVIF, in px (O7). */
const MAX_AVIF_SIDE = 1_200;

/** The highest `dpr`: pixels for one CSS pixel. The edge would count a higher one as 2 (O2). */
const MAX_DENSITY = 2;
const DENSITY_REASON = "the edge makes no density over 2";

/** A distance in a picture, and a side of one. The edge refuses a side of 0 (O1). */
const pixels = integer(0, MAX_SIDE);
const side = integer(1, MAX_SIDE);

const fraction = numberBetween(0, 1);
const factor = numberBetween(0, Number.MAX_VALUE);

/** Distances from the edges of a picture. */
const edges = {
  top: optional(pixels),
  right: optional(pixels),
  bottom: optional(pixels),
  left: optional(pixels),
};

/** Which part of a picture a crop keeps (O4): a point, or one of `PARTS`. */
const point = table({ x: optional(fraction), y: optional(fraction) });
const PARTS = ["auto", "face", "left", "right", "top", "bottom", "center"] as const;

const fit = oneOf("scale-down", "scale-up", "contain", "cover", "crop", "pad", "squeeze");

const trimBorder = table({
  color: optional(text),
  tolerance: optional(factor),
  keep: optional(pixels),
});

/** What is cut off: pixels at each edge, all but an area, or what has the colour of the picture's border. */
const trimTable = table({
  ...edges,
  width: optional(side),
  height: optional(side),
  // Whether the border is cut off, or a table that says how it is told from the picture.
  border: optional(choose(isPlainObject, trimBorder, boolean)),
});

/** What is drawn around a picture: a border of one width, or of a width for each side. */
const evenBorder = table({ color: text, width: pixels });
const unevenBorder = table({
  color: text,
  top: pixels,
  right: pixels,
  bottom: pixels,
  left: pixels,
});
const border = choose((value) => hasProperty(value, "width"), evenBorder, unevenBorder);

/** The options of an image and of an overlay on it. */
const commonOptions = {
  // The sides in CSS pixels (O1).
  width: optional(side),
  height: optional(side),

  // What a crop keeps, as a point or by a name, and how close it comes to a face (O4).
  gravity: optional(choose(isPlainObject, point, oneOf(...PARTS))),
  zoom: optional(fraction),

  // The colour behind what is transparent, and of padding (O12).
  background: optional(text),

  // The edge flips first, then rotates (O11).
  rotate: optional(oneOf(0, 90, 180, 270)),
  flip: optional(oneOf("h", "v", "hv")),

  // Filters, with the ranges outside of which the edge refuses the request (O10).
  sharpen: optional(numberBetween(0, 10)),
  blur: optional(numberBetween(1, 250)),
  brightness: optional(factor),
  contrast: optional(factor),
  gamma: optional(factor),
  saturation: optional(factor), // 0 is greyscale (O10).

  // The background is made transparent, and a small picture is enlarged (O12).
  segment: optional(oneOf("foreground")),
  upscale: optional(oneOf("interpolate", "generate")),

  // What is cut off the edges, as a table or as "border", and what is drawn around the picture (O12).
  trim: optional(choose(isPlainObject, trimTable, oneOf("border"))),
  border: optional(border),
};

/** For example `https://assets.example/logo.png`, or `http://localhost:8787/logo.png`: ASCII without spaces. */
const OVERLAY_URL = /^(?:https:\/\/|http:\/\/localhost[:/])[\x21-\x7e]+$/;

const overlay = table(
  {
    ...commonOptions,
    ...edges,
    fit: optional(fit),
    // Nobody knows whether the edge sends the signed headers for S3 to this host, too (O12).
    // http://localhost is only for a local run. `npx vitrine check` reports it elsewhere (E6).
    url: optional(textLike("an https:// URL", OVERLAY_URL)),
    // The key of an object of the same bucket, below its prefix. Only the Images binding takes it.
    key: optional(textThat("the key of an object", (key) => keyFault(key) === undefined)),
    opacity: optional(fraction),
    repeat: optional(oneOf(true, "x", "y")),
    composite: optional(oneOf("over", "in", "atop", "out", "xor", "lighter")),
  },
  (values, addMistake) => {
    const hasUrl = Object.hasOwn(values, "url");
    const hasKey = Object.hasOwn(values, "key");
    if (hasUrl === hasKey) addMistake("needs url or key, and not both");
  },
);

/** The options that an overlay does not have, or has with other values or another default. */
const imageOptions = {
  // "object" is the object's own focal point. An overlay has none.
  gravity: optional(choose(isPlainObject, point, oneOf(...PARTS, "object"))),

  // The default never enlarges a picture (O3).
  fit: optional(fit, "scale-down"),

  // One of the names, whose numbers only Cloudflare knows, or a number (O5).
  quality: optional(
    choose(
      (value) => typeof value === "string",
      oneOf("high", "medium-high", "medium-low", "low"),
      integer(1, 100),
    ),
  ),

  // `auto` never reaches the edge, which does not look at Accept: the Worker chooses the format (O6). The edge's `json`
  // and `svg` are left out, because it makes no picture for them.
  format: optional(
    oneOf("auto", "avif", "webp", "jpeg", "baseline-jpeg", "png", "png-force"),
    "auto",
  ),

  // The default keeps no metadata, because they may tell where a photograph was taken (O9).
  metadata: optional(oneOf("none", "copyright", "keep"), "none"),

  // The default keeps only the first frame, because the edge does not transform a large animation (O8).
  anim: optional(boolean, false),

  // Faster compression makes more bytes (O12).
  compression: optional(oneOf("fast")),

  // Overlays, the lowest first (O12).
  draw: optional(listOf(overlay)),

  // More sizes, for srcset: multiples of the preset's size (O2), or other widths of the same shape.
  dpr: optional(listOf(numberBetween(1, MAX_DENSITY, DENSITY_REASON))),
  widths: optional(listOf(side)),
};

/**
 * All options of a preset. A key that both objects have keeps its first position and takes its last value. So `gravity`
 * stands where `commonOptions` has it, with the values of `imageOptions`.
 */
const presetOptions = { ...commonOptions, ...imageOptions };

export const presetSchema = table(presetOptions, checkPreset);

/** The options that move the points of an object, so that its focal point would be wrong. */
const MOVING_OPTIONS = ["rotate", "flip", "trim"] as const;

/** How many characters the options of one variant may have in a URL. Only long overlays come near it. */
const MAX_OPTIONS_LENGTH = 4_096;

/** Checks the options against each other. */
function checkPreset(preset: PartialPreset, addMistake: AddMistake): void {
  // An option with a mistake counts as set: its key is there, with the value undefined. So a wrong width is reported as
  // wrong, and not also as missing.
  const isSet = (option: keyof Preset) => Object.hasOwn(preset, option);

  if (!isSet("width") && !isSet("height")) addMistake("needs width or height");
  if (isSet("dpr") && isSet("widths")) addMistake("has dpr and widths: keep one");
  if (isSet("widths") && !isSet("width")) addMistake("has widths, but no width");

  // `sizesOf` returns pairs of a descriptor and a size. Only the sizes are checked here.
  const sizes = sizesOf(preset).map(([, size]) => size);

  // Nobody knows what the edge answers for a larger AVIF: it may be the original (O7).
  if (preset.format === "avif" && !sizes.every(fitsAvif)) {
    addMistake("has format avif with a side over 1,200 px");
  }

  // The height of each of `widths` follows from the preset's shape, so no schema has checked it.
  const isTooHigh = sizes.some((size) => size.height !== undefined && size.height > MAX_SIDE);
  if (isTooHigh) addMistake("has widths that make its height over 12,000 px");

  // The focal point is a point of the object as it is. `rotate = 0` moves nothing.
  if (preset.gravity === "object") {
    const message = 'changes the picture that gravity "object" is a point of: remove one of them';
    for (const option of MOVING_OPTIONS) {
      if (preset[option]) addMistake(message, option);
    }
  }

  // The options are a part of the URL of each rendition, as encoded JSON. A variant has one size in place of the lists.
  const { dpr: _dpr, widths: _widths, ...image } = preset;
  const length = encodeURIComponent(JSON.stringify(image)).length;
  if (length > MAX_OPTIONS_LENGTH) addMistake(`is too long: ${length} characters, at most 4,096`);
}

/** Returns each variant of a preset with its name in public URLs: `card`, `card@2x`, `hero@640w`. */
export function variantsOfPreset(name: string, preset: Preset): [string, Variant][] {
  // Each variant has its own size in place of `dpr`, `widths`, `width` and `height`.
  const { format, dpr: _dpr, widths: _widths, width: _width, height: _height, ...shape } = preset;

  const variants: [string, Variant][] = [];
  for (const [descriptor, size] of sizesOf(preset)) {
    // The name of a stored rendition is made of this object as JSON, so the size must stay behind the shape.
    const image = { ...shape, ...size };
    const variant: Variant = { preset: name, format, avif: fitsAvif(size), image };
    variants.push([name + descriptor, variant]);
  }
  return variants;
}

/** Returns whether no side is too long for AVIF (O7). A side that is not set follows from each object's own shape. */
function fitsAvif(size: Size): boolean {
  const { width = 0, height = 0, dpr = 1 } = size;
  return isShortEnoughForAvif({ width: width * dpr, height: height * dpr });
}

/** Returns whether the edge makes an AVIF of this size, in px (O7). */
export function isShortEnoughForAvif({ width, height }: PixelSize): boolean {
  return Math.max(width, height) <= MAX_AVIF_SIDE;
}

/** The values of an option that the Images binding lacks. */
type LackingValues = readonly unknown[] | "every value";

/** What the Images binding lacks (B7): whole options, and values of options. */
const BINDING_LACKS = {
  zoom: "every value",
  upscale: "every value",
  compression: "every value",
  fit: ["scale-up"],
  format: ["baseline-jpeg"],
  metadata: ["copyright", "keep"],
} as const satisfies Record<string, LackingValues>;

/** Returns whether the Images binding lacks an option, or this value of it. */
export function bindingLacks(option: string, value?: unknown): boolean {
  // With this type, any text can be looked up, also an option that the binding does not lack.
  const lackingValues: Readonly<Record<string, LackingValues>> = BINDING_LACKS;
  const values = lackingValues[option] ?? [];
  return values === "every value" || values.includes(value);
}

/** The options of `commonOptions`, without those that the Images binding lacks: `zoom` and `upscale`. */
export type ShapeOption = Exclude<keyof typeof commonOptions, keyof typeof BINDING_LACKS>;
