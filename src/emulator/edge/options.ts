// The options of `cf.image`, of its overlays, and of the Images binding: a row each. The types, the refusals and the
// steps of the binding follow from the rows.

import { flag, isRecord, matching, oneOf, type Rule } from "../check.ts";
import { isReadableColour } from "./decode.ts";
import type { Fault } from "./faults.ts";
import { blur, brightness, contrast, type Filter, gamma, saturation, sharpen } from "./filters.ts";
import type { Picture } from "./original.ts";
import {
  anyOf,
  between,
  isLeftOutOrValid,
  nonNegative,
  partialTable,
  positiveInteger,
  positiveNumber,
} from "./value-rules.ts";

/**
 * An option.
 * @example
 * // The rule O11 of docs/rules.md allows five values in `cf.image`, and the binding takes four of them:
 * rotate: { rule: "O11", values: oneOf(0, 90, 180, 270, 360), binding: oneOf(0, 90, 180, 270) }
 */
type Option = {
  /** The rule of docs/rules.md. */
  readonly rule: string;
  /** What `cf.image` takes. */
  readonly values: Rule;
  /** What the Images binding takes, if not the same. False: the binding has no such option (B7). */
  readonly binding?: Rule | false;
  /** Returns whether the emulator leaves a value out. */
  readonly isUnsupported?: (value: unknown) => boolean;
  /** Changes the pixels of the resized image. Other options apply where sizes and bytes are computed. */
  readonly filter?: Filter;
};

type OptionTable = Readonly<Record<string, Option>>;

type OptionValues<Table> = {
  readonly [Name in keyof Table]?: Table[Name] extends { readonly values: Rule<infer T> }
    ? T
    : never;
};

const COLOUR = matching("a colour", /./s);
const FITS = ["scale-down", "contain", "cover", "crop", "pad", "squeeze"] as const;
const SIDES = { top: nonNegative, right: nonNegative, bottom: nonNegative, left: nonNegative };

const GRAVITY = oneOf("auto", "face", "left", "right", "top", "bottom", "center", "entropy");
const POINT = partialTable({
  x: between(0, 1),
  y: between(0, 1),
  mode: oneOf("remainder", "box-center"),
});
type Point = typeof POINT extends Rule<infer T> ? T : never;
const POINT_WITH_MODE: Rule<Point> = {
  expected: POINT.expected,
  test: (value): value is Point => POINT.test(value) && value.mode !== undefined,
};

const TRIM = partialTable({
  ...SIDES,
  width: positiveInteger,
  height: positiveInteger,
  border: anyOf(flag, partialTable({ color: COLOUR, tolerance: nonNegative, keep: nonNegative })),
});

/** The options of images and overlays, in the order in which filters apply. */
const TRANSFORMATIONS = {
  width: { rule: "O1", values: positiveInteger },
  height: { rule: "O1", values: positiveInteger },
  dpr: {
    rule: "O2",
    values: positiveNumber("a number above 0; more than 2 counts as 2"),
    binding: false,
  },
  fit: {
    rule: "O3",
    values: oneOf(...FITS, "scale-up", "aspect-crop"),
    binding: oneOf(...FITS),
  },
  gravity: {
    rule: "O4",
    values: anyOf(GRAVITY, POINT),
    binding: anyOf(GRAVITY, POINT_WITH_MODE),
    isUnsupported: (value) => value === "face" || Object(value).mode === "box-center",
  },
  zoom: { rule: "O4", values: between(0, 1), binding: false, isUnsupported: () => true },
  trim: {
    rule: "O12",
    values: anyOf(oneOf("border"), TRIM),
    isUnsupported: (value) => value === "border" || Boolean(Object(value).border),
  },
  flip: { rule: "O11", values: oneOf("h", "v", "hv") },
  rotate: { rule: "O11", values: oneOf(0, 90, 180, 270, 360), binding: oneOf(0, 90, 180, 270) },
  blur: { rule: "O10", values: between(1, 250), filter: blur },
  sharpen: { rule: "O10", values: between(0, 10), filter: sharpen },
  brightness: { rule: "O10", values: nonNegative, filter: brightness },
  contrast: { rule: "O10", values: nonNegative, filter: contrast },
  gamma: { rule: "O10", values: nonNegative, filter: gamma },
  saturation: { rule: "O10", values: nonNegative, filter: saturation },
  background: { rule: "O12", values: COLOUR, isUnsupported: isUnreadableColour },
  border: {
    rule: "O12",
    values: partialTable({ color: COLOUR, width: nonNegative, ...SIDES }),
    isUnsupported: (value) => isUnreadableColour(Object(value).color),
  },
  segment: { rule: "O12", values: oneOf("foreground"), isUnsupported: () => true },
  upscale: {
    rule: "O12",
    values: oneOf("interpolate", "generate"),
    binding: false,
    isUnsupported: (value) => value === "generate",
  },
} as const satisfies OptionTable;

/** How an overlay is drawn: options of `draw` in `cf.image`, and of `.draw()` of the binding. */
const DRAW = {
  top: { rule: "O12", values: nonNegative },
  right: { rule: "O12", values: nonNegative },
  bottom: { rule: "O12", values: nonNegative },
  left: { rule: "O12", values: nonNegative },
  opacity: { rule: "O12", values: between(0, 1) },
  repeat: {
    rule: "O12",
    values: oneOf(true, "x", "y"),
    binding: oneOf(true, false, "x", "y"),
    isUnsupported: Boolean,
  },
  composite: {
    rule: "O12",
    values: oneOf("over", "in", "atop", "out", "xor", "lighter"),
    isUnsupported: (value) => value !== "over",
  },
} as const satisfies OptionTable;

const OVERLAY = { ...TRANSFORMATIONS, ...DRAW };

const OVERLAYS: Rule<readonly OverlayOptions[]> = {
  expected:
    "a list of overlays, each with a url, one side of each pair, and options that are right",
  test: (value): value is readonly OverlayOptions[] =>
    Array.isArray(value) && value.every(isOverlay),
};

const FORMATS = oneOf("avif", "webp", "jpeg", "baseline-jpeg", "png", "png-force", "json", "svg");

/** The options of `cf.image`. Its `origin-auth` is no row: it has no range (O14). */
const IMAGE = {
  ...TRANSFORMATIONS,
  quality: {
    rule: "O5",
    values: anyOf(between(1, 100), oneOf("high", "medium-high", "medium-low", "low")),
  },
  format: {
    rule: "O6",
    values: { ...FORMATS, expected: `${FORMATS.expected}; auto is not for Workers` },
  },
  anim: { rule: "O8", values: flag },
  metadata: {
    rule: "O9",
    values: oneOf("keep", "copyright", "none"),
    isUnsupported: (value) => value !== "none",
  },
  compression: { rule: "O12", values: oneOf("fast"), isUnsupported: () => true },
  draw: { rule: "O12", values: OVERLAYS },
} as const satisfies OptionTable;

/**
 * What images, overlays and the binding share.
 * @example
 * const shared: Transformations = { width: 160, height: 160, fit: "cover" };
 */
export type Transformations = OptionValues<typeof TRANSFORMATIONS>;

/** How an overlay is drawn, as far as the emulator implements it (O12). */
export type DrawOptions = Omit<OptionValues<typeof DRAW>, "repeat" | "composite">;

/** An image that is drawn over another image (O12). */
export type OverlayOptions = OptionValues<typeof OVERLAY> & { readonly url: string };

/**
 * What the edge takes as `cf.image`.
 * @example
 * const image: ImageOptions = { width: 160, height: 160, fit: "cover", "origin-auth": "share-publicly" };
 */
export type ImageOptions = OptionValues<typeof IMAGE> & {
  /** Without it, the origin gets none of the headers that open it, and a private one answers 403 (E2, O14). */
  readonly "origin-auth"?: "share-publicly";
};

/** What a request asks the edge for. */
export type EdgeRequest = {
  /** The options that the edge knows, always in the same order (C1), without `origin-auth`. */
  readonly image: ImageOptions;
  /** Whether the origin gets the Worker's credentials (E1, E2). */
  readonly originAuth: boolean;
  /** True: `Accept` decides the format. Workers cannot ask for this (O6). */
  readonly auto: boolean;
};

const INVALID: Fault = { code: 9401, status: 400 };

/**
 * Reads `cf.image`. Unknown names are silently ignored (O13, O14). A value out of range is 9401.
 * @param acceptsAuto whether `format: "auto"` is accepted (O6)
 */
export function readOptions(values: unknown, acceptsAuto: boolean): EdgeRequest | Fault {
  if (!isRecord(values)) return INVALID;

  const auto = acceptsAuto && values["format"] === "auto";
  const image: Record<string, unknown> = {};
  for (const name of Object.keys(IMAGE)) {
    const isLeftOut = values[name] === undefined || (auto && name === "format");
    if (!isLeftOut) image[name] = values[name];
  }
  if (!isImage(image)) return INVALID;

  const originAuth = values["origin-auth"] === "share-publicly";
  return { image, originAuth, auto };
}

function isImage(values: Readonly<Record<string, unknown>>): values is ImageOptions {
  return isValid(IMAGE, values);
}

function isOverlay(value: unknown): boolean {
  if (!isRecord(value)) return false;
  return isValid(OVERLAY, value) && COLOUR.test(value["url"]) && hasNoOppositeSides(value);
}

/** Returns whether all values follow their rules. Other names are ignored (O13, O14). */
function isValid(table: OptionTable, values: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(table).every(([name, option]) =>
    isLeftOutOrValid(values[name], option.values),
  );
}

/** Returns whether at most one side of each axis is set: opposite sides exclude each other (O12, B5). */
function hasNoOppositeSides(values: object): boolean {
  const hasSide = (side: "top" | "right" | "bottom" | "left") => Object.hasOwn(values, side);
  if (hasSide("left") && hasSide("right")) return false;
  if (hasSide("top") && hasSide("bottom")) return false;
  return true;
}

/** sharp does not read each colour of CSS. */
function isUnreadableColour(css: unknown): boolean {
  return typeof css === "string" && !isReadableColour(css);
}

/** An option whose value is refused, what it takes, and the rule that says so. */
export type InvalidOption = {
  readonly name: string;
  readonly value: unknown;
  readonly expected: string;
  readonly rule: string;
};

/** Finds the first option whose value the edge refuses. */
export function findInvalidOption(
  image: Readonly<Record<string, unknown>>,
): InvalidOption | undefined {
  for (const [name, option] of Object.entries<Option>(IMAGE)) {
    const value = image[name];
    if (isLeftOutOrValid(value, option.values)) continue;
    return { name, value, expected: option.values.expected, rule: option.rule };
  }
  return undefined;
}

const ALL_OPTIONS: OptionTable = { ...IMAGE, ...DRAW };

/** Names the options that the emulator leaves out, with their values: `zoom 0.5`, or `draw[0].zoom 0.5` of an overlay. */
export function findUnsupported(options: object, prefix = ""): readonly string[] {
  const unsupported: string[] = [];

  for (const [name, value] of Object.entries<unknown>({ ...options })) {
    if (name === "draw" && Array.isArray(value)) {
      for (const [index, overlay] of value.entries()) {
        unsupported.push(...findUnsupported(overlay, `draw[${index}].`));
      }
      continue;
    }

    const isUnsupported = ALL_OPTIONS[name]?.isUnsupported;
    if (isUnsupported?.(value)) unsupported.push(`${prefix}${name} ${JSON.stringify(value)}`);
  }

  return unsupported;
}

/** Applies the options that change the pixels of a resized image, in their order (O10). */
export async function applyFilters(image: Picture, options: Transformations): Promise<Picture> {
  const values: Readonly<Record<string, unknown>> = options;
  let picture = image;

  for (const [name, { filter }] of Object.entries<Option>(TRANSFORMATIONS)) {
    const amount = values[name];
    if (filter && typeof amount === "number") picture = await filter(picture, amount);
  }

  return picture;
}

/** What the binding takes for an option that it does not have (B7). */
const NOTHING = "nothing: the binding has no such option";

/** Returns whether the binding takes the options of a step. It refuses those that it lacks (B7). */
export function isBindingTransform(values: object): values is Transformations {
  return findInvalidBindingOption("transform", values) === undefined;
}

/** Returns whether the binding takes the options of an overlay (B5). */
export function isBindingDraw(values: object): values is DrawOptions {
  return findInvalidBindingOption("draw", values) === undefined && hasNoOppositeSides(values);
}

const BINDING_TABLES: Readonly<Record<"transform" | "draw", OptionTable>> = {
  transform: TRANSFORMATIONS,
  draw: DRAW,
};

/** Finds the first option that the binding refuses: it does not have it (B7), or not that value of it. */
export function findInvalidBindingOption(
  step: "transform" | "draw",
  values: object,
): InvalidOption | undefined {
  const table = BINDING_TABLES[step];

  for (const [name, value] of Object.entries<unknown>({ ...values })) {
    const option = Object.hasOwn(table, name) ? table[name] : undefined;
    if (option === undefined || option.binding === false) {
      return { name, value, expected: NOTHING, rule: "B7" };
    }

    const { test, expected } = option.binding ?? option.values;
    if (test(value)) continue;

    // What the binding takes otherwise than `cf.image` follows from B7.
    const rule = option.binding === undefined ? option.rule : "B7";
    return { name, value, expected, rule };
  }

  return undefined;
}
