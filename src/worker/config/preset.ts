import { type Size, sizesOf } from "../../url/grammar.ts";
import { isTable } from "../base/json.ts";
import {
  between,
  either,
  flag,
  listOf,
  matching,
  may,
  oneOf,
  type Read,
  table,
  text,
  whole,
} from "./schema.ts";

const LONGEST_SIDE = 12_000; // L1
const LONGEST_AVIF_SIDE = 1_200; // O7

const length = whole(0, LONGEST_SIDE);
const side = whole(1, LONGEST_SIDE); // O1
const fraction = between(0, 1);
const factor = between(0, Number.MAX_VALUE);
const edges = { top: may(length), right: may(length), bottom: may(length), left: may(length) };

/** Options of an image and of an overlay drawn on it, with their ranges. */
const options = {
  width: may(side),
  height: may(side),
  gravity: may(
    either(
      isTable,
      table({ x: may(fraction), y: may(fraction) }),
      oneOf("auto", "face", "left", "right", "top", "bottom", "center"),
    ),
  ), // O4
  zoom: may(fraction), // O4
  background: may(text), // O12
  rotate: may(oneOf(0, 90, 180, 270)), // O11
  flip: may(oneOf("h", "v", "hv")), // O11
  sharpen: may(between(0, 10)), // O10
  blur: may(between(1, 250)), // O10
  brightness: may(factor), // O10
  contrast: may(factor), // O10
  gamma: may(factor), // O10
  saturation: may(factor), // O10
  segment: may(oneOf("foreground")), // O12
  upscale: may(oneOf("interpolate", "generate")), // O12
  trim: may(
    either(
      isTable,
      table({
        ...edges,
        width: may(side),
        height: may(side),
        border: may(
          either(
            isTable,
            table({ color: may(text), tolerance: may(factor), keep: may(length) }),
            flag,
          ),
        ),
      }),
      oneOf("border"),
    ),
  ), // O12
  border: may(
    either(
      (value) => isTable(value) && "width" in value,
      table({ color: text, width: length }),
      table({ color: text, top: length, right: length, bottom: length, left: length }),
    ),
  ), // O12
};

const fit = oneOf("scale-down", "scale-up", "contain", "cover", "crop", "pad", "squeeze"); // O3

const overlay = table({
  ...options,
  ...edges,
  fit: may(fit),
  // Whether the edge shows the overlay's host the headers meant for S3 is open (O12).
  // http://localhost is for one's own machine alone; npm run check says so (E6).
  url: matching("an https:// URL", /^http(s:\/\/|:\/\/localhost[:/])[\x21-\x7e]+$/),
  opacity: may(fraction),
  repeat: may(oneOf(true, "x", "y")),
  composite: may(oneOf("over", "in", "atop", "out", "xor", "lighter")),
});

/** A preset as it stands in wrangler.toml, with the defaults that protect filled in. */
export const presetSchema = table(
  {
    ...options,
    fit: may(fit, "scale-down"),
    quality: may(
      either(
        (value) => typeof value === "string",
        oneOf("high", "medium-high", "medium-low", "low"),
        whole(1, 100),
      ),
    ), // O5
    // Not json and svg, which are no images that a preset can yield; auto is this Worker's own (O6).
    format: may(oneOf("auto", "avif", "webp", "jpeg", "baseline-jpeg", "png", "png-force"), "auto"),
    metadata: may(oneOf("none", "copyright", "keep"), "none"), // O9
    anim: may(flag, false), // O8
    compression: may(oneOf("fast")), // O12
    draw: may(listOf(overlay)), // O12
    dpr: may(listOf(between(1, 2))), // O2
    widths: may(listOf(side)),
  },
  (found, fault) => {
    const has = (option: keyof typeof found) => option in found;
    if (!has("width") && !has("height")) fault("names neither width nor height");
    if (has("dpr") && has("widths")) fault("has both dpr and widths: no srcset can hold both");
    if (has("widths") && !has("width")) fault("has widths, but no width to go without them");
    const variants = sizesOf(found);
    if (found.format === "avif" && !variants.every(([, size]) => fitsAvif(size))) {
      fault("asks for avif with a side over 1,200 px"); // O7
    }
    if (variants.some(([, { height = 1 }]) => height > LONGEST_SIDE)) {
      fault("has a width that makes its height over 12,000 px");
    }
  },
);

export type Preset = Read<typeof presetSchema>;
export type OutputFormat = Exclude<Preset["format"], "auto">;

/** What a visitor may ask for by name: a preset, alone or with one of its descriptors. */
export type Variant = {
  readonly preset: string;
  readonly format: Preset["format"];
  /** False where a side is longer than the edge makes AVIF (O7). */
  readonly avif: boolean;
  /** The options sent to the edge, but for the format and how to reach the origin. */
  readonly image: Omit<Preset, "format" | "dpr" | "widths"> & { dpr?: number };
};

/** Every variant of a preset by the name it has in public URLs: `card`, `card@2x`, `hero@640w`. */
export function variantsOf(name: string, preset: Preset): [string, Variant][] {
  const { format, dpr: _dpr, widths: _widths, width: _width, height: _height, ...rest } = preset;
  return sizesOf(preset).map(([descriptor, size]) => [
    name + descriptor,
    { preset: name, format, avif: fitsAvif(size), image: { ...rest, ...size } },
  ]);
}

function fitsAvif({ width = 0, height = 0, dpr = 1 }: Size): boolean {
  return Math.max(width, height) * dpr <= LONGEST_AVIF_SIDE;
}
