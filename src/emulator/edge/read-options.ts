// Reads the options of `cf.image` as the edge does, with a table of one test an option.

import { isTable } from "../check.ts";
import type { Fault } from "./faults.ts";
import type { ImageOptions } from "./image-options.ts";

/** Whether an option has a value that the edge accepts. */
export type Test = (value: unknown) => boolean;

export const between =
  (least: number, most: number): Test =>
  (value) =>
    typeof value === "number" && value >= least && value <= most;
const whole =
  (least: number): Test =>
  (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= least;
export const oneOf =
  (...allowed: readonly unknown[]): Test =>
  (value) =>
    allowed.includes(value);
export const isText: Test = (value) => typeof value === "string" && value.length > 0;
const tableOf =
  (tests: Readonly<Record<string, Test>>): Test =>
  (value) =>
    isTable(value) && hold(tests, value);
export const either =
  (...tests: readonly Test[]): Test =>
  (value) =>
    tests.some((test) => test(value));

const distance = between(0, Number.MAX_SAFE_INTEGER);
const fraction = between(0, 1);
const factor = between(0, Number.MAX_VALUE);
/** The sides of a border, of a trim, or of the place of an overlay. */
export const SIDES = { top: distance, right: distance, bottom: distance, left: distance };

/** The options that images and overlays share. */
export const TRANSFORMS = {
  width: whole(1), // O1
  height: whole(1), // O1
  dpr: (value) => typeof value === "number" && value > 0, // O2: values above 2 are clamped
  fit: oneOf(
    ...["scale-down", "scale-up", "contain", "cover", "crop", "pad", "squeeze", "aspect-crop"],
  ), // O3
  gravity: either(
    oneOf("auto", "face", "left", "right", "top", "bottom", "center", "entropy"),
    tableOf({ x: fraction, y: fraction, mode: oneOf("remainder", "box-center") }),
  ), // O4
  zoom: fraction, // O4
  sharpen: between(0, 10), // O10
  blur: between(1, 250), // O10
  brightness: factor, // O10
  contrast: factor, // O10
  gamma: factor, // O10
  saturation: factor, // O10
  rotate: oneOf(0, 90, 180, 270, 360), // O11
  flip: oneOf("h", "v", "hv"), // O11
  background: isText, // O12
  border: tableOf({ color: isText, width: distance, ...SIDES }), // O12
  trim: either(
    oneOf("border"),
    tableOf({
      ...SIDES,
      width: whole(1),
      height: whole(1),
      border: either(
        oneOf(true, false),
        tableOf({ color: isText, tolerance: factor, keep: distance }),
      ),
    }),
  ), // O12
  segment: oneOf("foreground"), // O12
  upscale: oneOf("interpolate", "generate"), // O12
} as const satisfies Record<string, Test>;

const OVERLAY = {
  ...TRANSFORMS,
  ...SIDES,
  url: isText,
  opacity: fraction,
  repeat: oneOf(true, "x", "y"),
  composite: oneOf("over", "in", "atop", "out", "xor", "lighter"),
} as const satisfies Record<string, Test>;

const isOverlay: Test = (value) =>
  isTable(value) &&
  hold(OVERLAY, value) &&
  "url" in value &&
  !("left" in value && "right" in value) &&
  !("top" in value && "bottom" in value);

const IMAGE = {
  ...TRANSFORMS,
  quality: either(between(1, 100), oneOf("high", "medium-high", "medium-low", "low")), // O5
  format: oneOf("avif", "webp", "jpeg", "baseline-jpeg", "png", "png-force", "json", "svg"), // O6
  anim: oneOf(true, false), // O8
  metadata: oneOf("keep", "copyright", "none"), // O9
  compression: oneOf("fast"), // O12
  draw: (value) => Array.isArray(value) && value.every(isOverlay), // O12
} as const satisfies Record<string, Test>;

/** An option of `cf.image` with a range. `origin-auth` has none (O14). */
export type OptionName = keyof typeof IMAGE;

const NAMES = Object.keys(IMAGE).filter((name): name is OptionName => Object.hasOwn(IMAGE, name));

/** Names the first option whose value the edge refuses. Undefined: `cf.image` is not a table. */
export function wrongOption(found: unknown): OptionName | undefined {
  if (!isTable(found)) return undefined;
  return NAMES.find((name) => !hold({ [name]: IMAGE[name] }, found));
}

/** Returns whether every value with a test passes it. Other keys are ignored (O13, O14). */
function hold(tests: Readonly<Record<string, Test>>, values: Record<string, unknown>): boolean {
  return Object.entries(tests).every(
    ([name, test]) => values[name] === undefined || test(values[name]),
  );
}

export type Options = {
  /** The options that the edge knows, always in the same order (C1), without `origin-auth`. */
  readonly image: ImageOptions;
  /** Whether the origin gets the Worker's credentials (E1, E2). */
  readonly originAuth: boolean;
  /** True: `Accept` decides the format. Workers cannot ask for this (O6). */
  readonly auto: boolean;
};

/**
 * Reads `cf.image`. Unknown keys are silently ignored (O13, O14). A value out of range is 9401.
 * @param takesAuto whether `format: "auto"` is accepted (O6)
 */
export function readOptions(found: unknown, takesAuto: boolean): Options | Fault {
  if (!isTable(found)) return { code: 9401, status: 400 };
  const auto = takesAuto && found["format"] === "auto";
  const known = Object.fromEntries(
    NAMES.filter((name) => found[name] !== undefined && !(auto && name === "format")).map(
      (name) => [name, found[name]],
    ),
  );
  const originAuth = found["origin-auth"] === "share-publicly";
  return isImage(known) ? { image: known, originAuth, auto } : { code: 9401, status: 400 };
}

function isImage(value: unknown): value is ImageOptions {
  return isTable(value) && hold(IMAGE, value);
}
