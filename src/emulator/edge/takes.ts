// What each option of `cf.image` takes, in words, and its rule. The tests are in read-options.ts.

import type { OptionName } from "./read-options.ts";

const POSITIVE = "a whole number, 1 or more";
const FACTOR = "a number, 0 or more";
const SIDES = "top, right, bottom and left, each 0 or more";

export const TAKES: Readonly<Record<OptionName, readonly [rule: string, takes: string]>> = {
  width: ["O1", POSITIVE],
  height: ["O1", POSITIVE],
  dpr: ["O2", "a number above 0; more than 2 counts as 2"],
  fit: ["O3", "scale-down, scale-up, contain, cover, crop, pad, squeeze or aspect-crop"],
  gravity: ["O4", "a side, center, auto, face, entropy, or { x, y } with numbers from 0 to 1"],
  zoom: ["O4", "a number from 0 to 1"],
  quality: ["O5", "1 to 100, or high, medium-high, medium-low, low"],
  format: [
    "O6",
    "avif, webp, jpeg, baseline-jpeg, png, png-force, json or svg; auto is not for Workers",
  ],
  anim: ["O8", "true or false"],
  metadata: ["O9", "keep, copyright or none"],
  sharpen: ["O10", "a number from 0 to 10"],
  blur: ["O10", "a number from 1 to 250"],
  brightness: ["O10", FACTOR],
  contrast: ["O10", FACTOR],
  gamma: ["O10", FACTOR],
  saturation: ["O10", FACTOR],
  rotate: ["O11", "0, 90, 180, 270 or 360"],
  flip: ["O11", "h, v or hv"],
  background: ["O12", "a colour"],
  border: ["O12", `a table of color, and width or ${SIDES}`],
  trim: ["O12", `"border", or a table of ${SIDES}, width, height and border`],
  segment: ["O12", "foreground"],
  upscale: ["O12", "interpolate or generate"],
  compression: ["O12", "fast"],
  draw: ["O12", "a list of overlays, each with a url, and with options that are right"],
};
