// The image options of a preset (O1–O12), each with its range, and the variants. Pure.

import { keyFault } from "../../url/key.ts";
import { type Size, sizesOf } from "../../url/sizes.ts";
import { hasProperty, isPlainObject } from "../util/json.ts";
import {
  boolean,
  choose,
  type Infer,
  integer,
  listOf,
  numberBetween,
  oneOf,
  optional,
  table,
  text,
  textLike,
  textThat,
} from "./schema.ts";

export const MAX_SIDE = 12_000; // L1: px
const MAX_AVIF_SIDE = 1_200; // O7
const MAX_DENSITY = 2; // O2
/** How long the options of one variant may be in a URL: characters. Only long overlays come near it. */
const MAX_OPTIONS_LENGTH = 4_096;
const DENSITY_REASON = "the edge makes no density over 2";

const length = integer(0, MAX_SIDE);
const side = integer(1, MAX_SIDE); // O1
const fraction = numberBetween(0, 1);
const factor = numberBetween(0, Number.MAX_VALUE);
const edges = {
  top: optional(length),
  right: optional(length),
  bottom: optional(length),
  left: optional(length),
};

/** Which part of a picture stays (O4): a point, or one of these. */
const point = table({ x: optional(fraction), y: optional(fraction) });
const PARTS = ["auto", "face", "left", "right", "top", "bottom", "center"] as const;

/** Marks a row: the Images binding lacks the option, or these values of it (B7). */
const lacking = <Row extends object>(row: Row, ...lacks: readonly unknown[]) => ({ ...row, lacks });

/**
 * The options of an image and of an overlay on it, with their ranges. A new one is a row here, or in `ofImage`. Their
 * order is that in the URLs of renditions.
 */
const options = {
  width: optional(side),
  height: optional(side),
  gravity: optional(choose(isPlainObject, point, oneOf(...PARTS))),
  zoom: lacking(optional(fraction)), // O4
  background: optional(text), // O12
  rotate: optional(oneOf(0, 90, 180, 270)), // O11
  flip: optional(oneOf("h", "v", "hv")), // O11
  sharpen: optional(numberBetween(0, 10)), // O10
  blur: optional(numberBetween(1, 250)), // O10
  brightness: optional(factor), // O10
  contrast: optional(factor), // O10
  gamma: optional(factor), // O10
  saturation: optional(factor), // O10
  segment: optional(oneOf("foreground")), // O12
  upscale: lacking(optional(oneOf("interpolate", "generate"))), // O12
  trim: optional(
    choose(
      isPlainObject,
      table({
        ...edges,
        width: optional(side),
        height: optional(side),
        border: optional(
          choose(
            isPlainObject,
            table({ color: optional(text), tolerance: optional(factor), keep: optional(length) }),
            boolean,
          ),
        ),
      }),
      oneOf("border"),
    ),
  ), // O12
  border: optional(
    choose(
      (value) => hasProperty(value, "width"),
      table({ color: text, width: length }),
      table({ color: text, top: length, right: length, bottom: length, left: length }),
    ),
  ), // O12
};

const fit = oneOf("scale-down", "scale-up", "contain", "cover", "crop", "pad", "squeeze"); // O3

const overlay = table(
  {
    ...options,
    ...edges,
    fit: optional(fit),
    // The edge may send the overlay's host the headers that are meant for S3: this is not known (O12).
    // http://localhost is only for a local run; npx vitrine check reports it elsewhere (E6).
    url: optional(textLike("an https:// URL", /^http(s:\/\/|:\/\/localhost[:/])[\x21-\x7e]+$/)),
    // An object of the bucket, for the Images binding: its key below the prefix.
    key: optional(textThat("the key of an object", (key) => !keyFault(key))),
    opacity: optional(fraction),
    repeat: optional(oneOf(true, "x", "y")),
    composite: optional(oneOf("over", "in", "atop", "out", "xor", "lighter")),
  },
  (values, addMistake) => {
    if ("url" in values === "key" in values) addMistake("needs url or key, and not both");
  },
);

const ofImage = {
  // "object": its own focal point. An overlay has none.
  gravity: optional(choose(isPlainObject, point, oneOf(...PARTS, "object"))),
  fit: lacking(optional(fit, "scale-down"), "scale-up"),
  quality: optional(
    choose(
      (value) => typeof value === "string",
      oneOf("high", "medium-high", "medium-low", "low"),
      integer(1, 100),
    ),
  ), // O5
  // json and svg are not images that the edge makes. The Worker itself handles auto (O6).
  format: lacking(
    optional(oneOf("auto", "avif", "webp", "jpeg", "baseline-jpeg", "png", "png-force"), "auto"),
    "baseline-jpeg",
  ),
  metadata: lacking(optional(oneOf("none", "copyright", "keep"), "none"), "copyright", "keep"), // O9
  anim: optional(boolean, false), // O8
  compression: lacking(optional(oneOf("fast"))), // O12
  draw: optional(listOf(overlay)), // O12
  dpr: optional(listOf(numberBetween(1, MAX_DENSITY, DENSITY_REASON))), // O2
  widths: optional(listOf(side)),
};

const rows: Readonly<Record<string, object>> = { ...options, ...ofImage };

/** Returns whether the Images binding lacks an option with this value (B7). */
export function bindingLacks(option: string, value?: unknown): boolean {
  const { lacks }: { readonly lacks?: readonly unknown[] } = { ...rows[option] };
  return lacks !== undefined && (lacks.length === 0 || lacks.includes(value));
}

type Options = typeof options;
/** The options that shape an image, as far as the binding has them. */
export type ShapeOption = {
  [Name in keyof Options]: Options[Name] extends { readonly lacks: unknown } ? never : Name;
}[keyof Options];
export const SHAPE_OPTIONS = Object.keys(options).filter((option) => !bindingLacks(option));

/** A preset as wrangler.toml has it, with the defaults that protect. */
export const presetSchema = table({ ...options, ...ofImage }, (preset, addMistake) => {
  const isSet = (option: keyof typeof preset) => option in preset;
  if (!isSet("width") && !isSet("height")) addMistake("needs width or height");
  if (isSet("dpr") && isSet("widths")) addMistake("has dpr and widths: keep one");
  if (isSet("widths") && !isSet("width")) addMistake("has widths, but no width");
  const variants = sizesOf(preset);
  if (preset.format === "avif" && !variants.every(([, size]) => fitsAvif(size))) {
    addMistake("has format avif with a side over 1,200 px"); // O7
  }
  if (variants.some(([, { height = 1 }]) => height > MAX_SIDE)) {
    addMistake("has widths that make its height over 12,000 px");
  }
  for (const option of ["rotate", "flip", "trim"] as const) {
    if (preset.gravity !== "object" || !preset[option]) continue;
    addMistake(
      'changes the picture that gravity "object" is a point of: remove one of them',
      option,
    );
  }
  const { dpr: _dpr, widths: _widths, ...shape } = preset;
  const { length } = encodeURIComponent(JSON.stringify(shape));
  if (length > MAX_OPTIONS_LENGTH) addMistake(`is too long: ${length} characters, at most 4,096`);
});

export type Preset = Infer<typeof presetSchema>;
export type OutputFormat = Exclude<Preset["format"], "auto">;

/** What a visitor may ask for: a preset, alone or with one of its descriptors. */
export type Variant = {
  readonly preset: string;
  readonly format: Preset["format"];
  /** Whether no side is too long for the edge to make AVIF (O7). */
  readonly avif: boolean;
  /** The options for the edge, without the format and how to reach the origin. */
  readonly image: Omit<Preset, "format" | "dpr" | "widths"> & { dpr?: number };
};

/** Every variant of a preset by the name it has in public URLs: `card`, `card@2x`, `hero@640w`. */
export function variantsOf(name: string, preset: Preset): [string, Variant][] {
  const { format, dpr: _dpr, widths: _widths, width: _width, height: _height, ...shape } = preset;
  return sizesOf(preset).map(([descriptor, size]) => [
    name + descriptor,
    { preset: name, format, avif: fitsAvif(size), image: { ...shape, ...size } },
  ]);
}

function fitsAvif({ width = 0, height = 0, dpr = 1 }: Size): boolean {
  return Math.max(width, height) * dpr <= MAX_AVIF_SIDE;
}
