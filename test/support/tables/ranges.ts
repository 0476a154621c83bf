// The options of a preset: a row each, from which the tests of the Worker, of the strict edge, of the engines, of
// the cache's key and of the docs follow. A new option is one row here.

import type { Preset } from "../../../src/worker/config/preset.ts";

export type Range = {
  /** What a preset takes: first an ordinary value, which changes the picture, then the ends of the range. */
  readonly valid: readonly [unknown, ...unknown[]];
  /** What a preset does not take: just beyond the ends, and of another kind. */
  readonly invalid: readonly unknown[];
  /** Of the invalid ones, those that `cf.image` takes all the same. */
  readonly edge?: readonly unknown[];
  /** The option makes variants, and `cf.image` has it in another form. */
  readonly isOfVariants?: true;
  /** What else a preset needs, so that the option changes the picture. */
  readonly needs?: object;
  /** Of the valid ones, those that the Images binding lacks (B7). */
  readonly lacking?: readonly unknown[];
  /** Of the valid ones, those that the Worker reads itself: it asks an engine for another value. */
  readonly ofWorker?: readonly unknown[];
  /** Of the valid ones, those that the strict edge does not emulate. */
  readonly notEmulated?: readonly unknown[];
};

const URL = "https://x.example/a.png";
const overlay = (options: object) => [{ url: URL, ...options }];

/** An option that is not here is an error of types. */
export const RANGES: Readonly<Record<keyof Preset, Range>> = {
  width: {
    valid: [70, 1, 12_000],
    invalid: [12_001, 0, -1, 1.5, "100", null, Number.NaN, Number.POSITIVE_INFINITY],
    edge: [12_001],
  },
  height: { valid: [60, 1, 12_000], invalid: [12_001, 0, true], edge: [12_001] },
  dpr: { valid: [[1.5, 2], [1]], invalid: [[0.5], [3], 2, ["2"], []], isOfVariants: true },
  widths: {
    valid: [[640, 12_000], [1]],
    invalid: [[0], [1.5], [640, 12_001], ["640"], 640, []],
    isOfVariants: true,
  },
  fit: {
    valid: ["cover", "scale-down", "scale-up", "contain", "crop", "pad", "squeeze"],
    invalid: ["aspect-crop", "aspect", 1],
    edge: ["aspect-crop"],
    lacking: ["scale-up"],
  },
  gravity: {
    valid: [{ x: 0, y: 1 }, "auto", "face", "left", "right", "top", "bottom", "center", "object"],
    invalid: ["entropy", "middle", { x: 2 }, { z: 0 }, 1, null],
    ofWorker: ["object"],
    edge: ["entropy", { z: 0 }],
    needs: { fit: "cover" },
    notEmulated: ["face"],
  },
  zoom: {
    valid: [0.5, 0, 1],
    invalid: [-0.1, 1.1],
    lacking: [0.5, 0, 1],
    notEmulated: [0.5, 0, 1],
  },
  quality: {
    valid: [40, 1, 100, "high", "medium-high", "medium-low", "low"],
    invalid: [50.5, 0, 101, "best"],
    edge: [50.5],
    needs: { format: "jpeg" },
  },
  format: {
    valid: ["webp", "avif", "jpeg", "baseline-jpeg", "png", "png-force", "auto"],
    invalid: ["json", "svg", "gif", "AVIF"],
    ofWorker: ["auto"],
    edge: ["json", "svg"],
    lacking: ["baseline-jpeg"],
  },
  anim: { valid: [true, false], invalid: ["true", 1] },
  metadata: {
    valid: ["keep", "none", "copyright"],
    invalid: ["all"],
    lacking: ["keep", "copyright"],
    notEmulated: ["keep", "copyright"],
  },
  sharpen: { valid: [3, 0, 10], invalid: [-1, 11] },
  blur: { valid: [5, 1, 250], invalid: [0, 251] },
  brightness: { valid: [1.5, 0], invalid: [-1, "1", Number.POSITIVE_INFINITY] },
  contrast: { valid: [1.5, 0], invalid: [-1] },
  gamma: { valid: [1.5, 0], invalid: [-1] },
  saturation: { valid: [1.5, 0], invalid: [-1] },
  rotate: { valid: [90, 0, 180, 270], invalid: [360, 45, "90"], edge: [360] },
  flip: { valid: ["hv", "h", "v"], invalid: ["vh"] },
  trim: {
    valid: [
      { top: 10, left: 20 },
      { width: 1, height: 12_000 },
      ...["border", { border: true }, { border: { keep: 12_000, tolerance: 0 } }],
    ],
    invalid: [
      ...[{ left: 12_001 }, { width: 12_001 }, { height: 12_001 }, { border: { keep: 12_001 } }],
      ...["all", { top: -1 }, { width: 0 }],
    ],
    edge: [{ left: 12_001 }, { width: 12_001 }, { height: 12_001 }, { border: { keep: 12_001 } }],
    notEmulated: ["border", { border: true }, { border: { keep: 12_000, tolerance: 0 } }],
  },
  border: {
    valid: [
      { color: "red", width: 1 },
      { color: "red", top: 1, right: 2, bottom: 3, left: 4 },
    ],
    invalid: [
      ...[{ color: "red" }, { width: 1 }, { color: "red", width: 1, top: 1 }],
      ...[{ color: "red", width: 12_001 }, "red", { color: "red", width: -1 }],
    ],
    edge: [
      ...[{ color: "red" }, { width: 1 }, { color: "red", width: 1, top: 1 }],
      { color: "red", width: 12_001 },
    ],
  },
  background: { valid: ["#00ff00"], invalid: ["", 7] },
  compression: { valid: ["fast"], invalid: ["slow"], lacking: ["fast"], notEmulated: ["fast"] },
  segment: { valid: ["foreground"], invalid: ["background"], notEmulated: ["foreground"] },
  upscale: {
    valid: ["interpolate", "generate"],
    invalid: [true],
    lacking: ["interpolate", "generate"],
    notEmulated: ["generate"],
  },
  draw: {
    valid: [
      overlay({ opacity: 0.5, width: 9, bottom: 1 }),
      overlay({ repeat: "x", composite: "atop" }),
    ],
    invalid: [
      ...[[], overlay({ width: 12_001 }), overlay({ top: 12_001 })],
      ...[[{ url: "https://x.example/a b" }], [{ url: "http://x.example/a.png" }]],
      ...[[{}], {}, overlay({ opacity: 2 }), overlay({ width: 0 })],
      overlay({ gravity: "object" }),
    ],
    edge: [
      ...[[], overlay({ width: 12_001 }), overlay({ top: 12_001 })],
      ...[[{ url: "https://x.example/a b" }], [{ url: "http://x.example/a.png" }]],
    ],
    lacking: [overlay({ opacity: 0.5, width: 9, bottom: 1 })],
    notEmulated: [overlay({ repeat: "x", composite: "atop" })],
  },
};

/** Returns whether two values are the same: tables and lists are compared by what they hold. */
export const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

export const isAmong = (value: unknown, list: readonly unknown[] = []): boolean =>
  list.some((a) => isSame(a, value));
