// A variant with other options, for one try on the contact sheet. The page and the server share it. Pure.

import {
  type Preset,
  presetSchema,
  type Variant,
  variantsOf,
} from "../../../worker/config/preset.ts";

/** What a try has in place of the preset's own options. The schema of presets checks it. */
export type Change = {
  readonly format?: string;
  readonly quality?: string | number;
  readonly gravity?: { readonly x: number; readonly y: number };
  /** Whether the whole picture is wanted, not the part that the preset shows. */
  readonly whole?: boolean;
};

/** The width of a whole picture: px. */
const WHOLE_WIDTH = 640;

/** O7 */
const NO_AVIF =
  "the edge makes no AVIF with a side over 1,200 px: with format auto, browsers get WebP here";

/**
 * Returns a variant of a preset with other options, or why there can be no such picture.
 * @param base the preset's name
 * @param name the variant's name: `card`, `hero@640w`
 */
export function tryVariant(
  base: string,
  preset: Preset,
  name: string,
  { whole = false, ...options }: Change,
): Variant | { readonly fault: string } {
  const own = new Map(variantsOf(base, preset)).get(name);
  if (own === undefined) return { fault: `${base} has no variant ${name}` };
  if (options.format === "avif" && !own.avif) return { fault: NO_AVIF };
  const { dpr, ...image } = own.image;
  const {
    gravity: _gravity,
    zoom: _zoom,
    height: _height,
    border: _border,
    draw: _draw,
    ...rest
  } = image;
  const asked = whole
    ? { ...rest, format: own.format, width: WHOLE_WIDTH, fit: "scale-down" }
    : { ...image, format: own.format, ...(dpr !== undefined && { dpr: [dpr] }) };
  const faults: string[] = [];
  const note = (path: string, message: string) => faults.push(`${path}: ${message}`);
  const read = presetSchema({ ...asked, ...options }, base, note);
  const variant = read && variantsOf(base, read).at(-1)?.[1];
  return variant ?? { fault: faults.join("; ") };
}

/** Returns whether a preset shows only a part of most pictures, so that a focal point matters (O4). */
export function doesCrop({ width, height, fit }: Preset): boolean {
  return width !== undefined && height !== undefined && (fit === "cover" || fit === "crop");
}
