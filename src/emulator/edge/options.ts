// The options of `cf.image`, of its overlays, and of the Images binding: a row each, with the values that the option
// takes in code and in words, its rule, what the binding has, and what the emulator implements. The types, the
// refusals and the steps of the binding follow from the rows.

import type { Sharp } from "sharp";
import { flag, isRecord, matching, oneOf, type Rule, type Rules } from "../check.ts";
import { isReadableColour, openPicture, readPixels } from "./decode.ts";
import type { Fault } from "./faults.ts";
import type { Picture } from "./original.ts";

type Option = Rule & {
  /** The rule of docs/rules.md. */
  readonly rule: string;
  /** What the Images binding takes, if not the same. False: the binding has no such option (B7). */
  readonly binding?: Rule | false;
  /** Returns whether the emulator leaves a value out. */
  readonly isUnsupported?: (value: unknown) => boolean;
  /** Changes the pixels of the resized image. Other options apply where sizes and bytes are computed. */
  readonly filter?: (picture: Picture, amount: number) => Picture | Promise<Picture>;
};

type OptionTable = Readonly<Record<string, Option>>;

const number = (expected: string, accepts: (value: number) => boolean): Rule<number> => ({
  expected,
  test: (value): value is number => typeof value === "number" && accepts(value),
});
export const between = (min: number, max: number) =>
  number(`a number from ${min} to ${max}`, (value) => value >= min && value <= max);
const above = (expected: string) => number(expected, (value) => value > 0);
const positive = number(
  "a whole number, 1 or more",
  (value) => Number.isInteger(value) && value >= 1,
);
const factor = number("a number, 0 or more", (value) => value >= 0 && Number.isFinite(value));
const either = <A, B>(first: Rule<A>, second: Rule<B>): Rule<A | B> => ({
  expected: `${first.expected}; or ${second.expected}`,
  test: (value): value is A | B => first.test(value) || second.test(value),
});

type ValueOf<R> = R extends Rule<infer T> ? T : never;
type ValuesOf<R> = { readonly [Name in keyof R]?: ValueOf<R[Name]> };

/** A table whose values may each be left out. Other names are ignored. */
function tableOf<R extends Rules>(rules: R): Rule<ValuesOf<R>> {
  const expected = `a table of ${Object.keys(rules).join(", ")}`;
  return {
    expected,
    test: (value): value is ValuesOf<R> => isRecord(value) && isValid(rules, value),
  };
}

/** Returns whether all values follow their rules. Other names are ignored (O13, O14). */
function isValid(rules: Rules, values: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(rules).every(
    ([name, { test }]) => values[name] === undefined || test(values[name]),
  );
}

const withSharp =
  (change: (image: Sharp, amount: number) => Sharp) => (picture: Picture, amount: number) =>
    readPixels(change(openPicture(picture), amount));
const blur = withSharp((image, sigma) => image.blur(sigma));
const sharpen = withSharp((image, m1) => (m1 ? image.sharpen({ sigma: 1, m1 }) : image));
const saturate = withSharp((image, saturation) => image.modulate({ saturation }));
// Of these three, 0 is ignored.
const brighten = withSharp((image, by) => image.linear(by || 1, 0));
const spread = withSharp((image, by) => image.linear(by || 1, 127.5 * (1 - (by || 1))));
const bend = ({ data, ...size }: Picture, by: number): Picture => {
  const curve = data.map((value) => 255 * (value / 255) ** (1 / (by || 1)));
  return {
    ...size,
    data: data.map((value, index) => (index % 4 === 3 ? value : (curve[index] ?? 0))),
  };
};

const colour = matching("a colour", /./s);
const isUnreadable = (css: unknown) => typeof css === "string" && !isReadableColour(css);

const FITS = ["scale-down", "contain", "cover", "crop", "pad", "squeeze"] as const;
const SIDES = { top: factor, right: factor, bottom: factor, left: factor };
const SURROUNDINGS = tableOf({ color: colour, tolerance: factor, keep: factor });
const TRIM = { ...SIDES, width: positive, height: positive, border: either(flag, SURROUNDINGS) };
const FOCUS = oneOf("auto", "face", "left", "right", "top", "bottom", "center", "entropy");
const MODE = oneOf("remainder", "box-center");
const POINT = tableOf({ x: between(0, 1), y: between(0, 1), mode: MODE });
const POINT_WITH_MODE: typeof POINT = {
  expected: POINT.expected,
  test: (value): value is ValueOf<typeof POINT> => POINT.test(value) && value.mode !== undefined,
};

/** The options of images and overlays, in the order in which filters apply. */
const TRANSFORMATIONS = {
  width: { rule: "O1", ...positive },
  height: { rule: "O1", ...positive },
  dpr: { rule: "O2", ...above("a number above 0; more than 2 counts as 2"), binding: false },
  fit: { rule: "O3", ...oneOf(...FITS, "scale-up", "aspect-crop"), binding: oneOf(...FITS) },
  gravity: {
    rule: "O4",
    ...either(FOCUS, POINT),
    binding: either(FOCUS, POINT_WITH_MODE),
    isUnsupported: (value) => value === "face" || Object(value).mode === "box-center",
  },
  zoom: { rule: "O4", ...between(0, 1), binding: false, isUnsupported: () => true },
  trim: {
    rule: "O12",
    ...either(oneOf("border"), tableOf(TRIM)),
    isUnsupported: (value) => value === "border" || Boolean(Object(value).border),
  },
  flip: { rule: "O11", ...oneOf("h", "v", "hv") },
  rotate: { rule: "O11", ...oneOf(0, 90, 180, 270, 360), binding: oneOf(0, 90, 180, 270) },
  blur: { rule: "O10", ...between(1, 250), filter: blur },
  sharpen: { rule: "O10", ...between(0, 10), filter: sharpen },
  brightness: { rule: "O10", ...factor, filter: brighten },
  contrast: { rule: "O10", ...factor, filter: spread },
  gamma: { rule: "O10", ...factor, filter: bend },
  saturation: { rule: "O10", ...factor, filter: saturate },
  background: { rule: "O12", ...colour, isUnsupported: isUnreadable },
  border: {
    rule: "O12",
    ...tableOf({ color: colour, width: factor, ...SIDES }),
    isUnsupported: (value) => isUnreadable(Object(value).color),
  },
  segment: { rule: "O12", ...oneOf("foreground"), isUnsupported: () => true },
  upscale: {
    rule: "O12",
    ...oneOf("interpolate", "generate"),
    binding: false,
    isUnsupported: (value) => value === "generate",
  },
} as const satisfies OptionTable;

/** How an overlay is drawn: options of `draw` in `cf.image`, and of `.draw()` of the binding. */
const DRAW = {
  top: { rule: "O12", ...factor },
  right: { rule: "O12", ...factor },
  bottom: { rule: "O12", ...factor },
  left: { rule: "O12", ...factor },
  opacity: { rule: "O12", ...between(0, 1) },
  repeat: {
    rule: "O12",
    ...oneOf(true, "x", "y"),
    binding: oneOf(true, false, "x", "y"),
    isUnsupported: Boolean,
  },
  composite: {
    rule: "O12",
    ...oneOf("over", "in", "atop", "out", "xor", "lighter"),
    isUnsupported: (value) => value !== "over",
  },
} as const satisfies OptionTable;

const OVERLAY = { ...TRANSFORMATIONS, ...DRAW };

/** Returns whether at most one side of each axis is set: opposite sides exclude each other (O12, B5). */
function hasNoOppositeSides(values: object): boolean {
  const hasSide = (side: "top" | "right" | "bottom" | "left") => Object.hasOwn(values, side);
  if (hasSide("left") && hasSide("right")) return false;
  if (hasSide("top") && hasSide("bottom")) return false;
  return true;
}

const OVERLAYS: Rule<readonly OverlayOptions[]> = {
  expected:
    "a list of overlays, each with a url, one side of each pair, and options that are right",
  test: (value): value is readonly OverlayOptions[] =>
    Array.isArray(value) && value.every(isOverlay),
};

function isOverlay(value: unknown): boolean {
  if (!isRecord(value)) return false;
  return isValid(OVERLAY, value) && colour.test(value["url"]) && hasNoOppositeSides(value);
}

const FORMATS = oneOf(
  ...(["avif", "webp", "jpeg", "baseline-jpeg", "png", "png-force", "json", "svg"] as const),
);

const IMAGE = {
  ...TRANSFORMATIONS,
  quality: {
    rule: "O5",
    ...either(between(1, 100), oneOf("high", "medium-high", "medium-low", "low")),
  },
  format: { rule: "O6", ...FORMATS, expected: `${FORMATS.expected}; auto is not for Workers` },
  anim: { rule: "O8", ...flag },
  metadata: {
    rule: "O9",
    ...oneOf("keep", "copyright", "none"),
    isUnsupported: (value) => value !== "none",
  },
  compression: { rule: "O12", ...oneOf("fast"), isUnsupported: () => true },
  draw: { rule: "O12", ...OVERLAYS },
} as const satisfies OptionTable;

/**
 * What images, overlays and the binding share.
 * @example
 * const shared: Transformations = { width: 160, height: 160, fit: "cover" };
 */
export type Transformations = ValuesOf<typeof TRANSFORMATIONS>;

/** How an overlay is drawn, as far as the emulator implements it (O12). */
export type DrawOptions = Omit<ValuesOf<typeof DRAW>, "repeat" | "composite">;

/** An image that is drawn over another image (O12). */
export type OverlayOptions = ValuesOf<typeof OVERLAY> & { readonly url: string };

/**
 * What the edge takes as `cf.image`.
 * @example
 * const image: ImageOptions = { width: 160, height: 160, fit: "cover", "origin-auth": "share-publicly" };
 */
export type ImageOptions = ValuesOf<typeof IMAGE> & {
  /** Without it, the origin gets none of the headers that open it (E2). It has no range (O14). */
  readonly "origin-auth"?: "share-publicly";
};

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
  const invalid = Object.entries(IMAGE).find(([name, row]) => !isValid({ [name]: row }, image));
  if (invalid === undefined) return undefined;
  const [name, { expected, rule }] = invalid;
  return { name, value: image[name], expected, rule };
}

/** What a request asks the edge for. */
export type EdgeRequest = {
  /** The options that the edge knows, always in the same order (C1), without `origin-auth`. */
  readonly image: ImageOptions;
  /** Whether the origin gets the Worker's credentials (E1, E2). */
  readonly originAuth: boolean;
  /** True: `Accept` decides the format. Workers cannot ask for this (O6). */
  readonly auto: boolean;
};

/**
 * Reads `cf.image`. Unknown names are silently ignored (O13, O14). A value out of range is 9401.
 * @param acceptsAuto whether `format: "auto"` is accepted (O6)
 */
export function readOptions(values: unknown, acceptsAuto: boolean): EdgeRequest | Fault {
  if (!isRecord(values)) return { code: 9401, status: 400 };
  const auto = acceptsAuto && values["format"] === "auto";
  const image = Object.fromEntries(
    Object.keys(IMAGE)
      .filter((name) => values[name] !== undefined && !(auto && name === "format"))
      .map((name) => [name, values[name]]),
  );
  const originAuth = values["origin-auth"] === "share-publicly";
  return isImage(image) ? { image, originAuth, auto } : { code: 9401, status: 400 };
}

function isImage(values: Readonly<Record<string, unknown>>): values is ImageOptions {
  return isValid(IMAGE, values);
}

const ROWS: OptionTable = { ...IMAGE, ...DRAW };

/** Names the options that the emulator leaves out, with their values, also those of overlays. */
export function findUnsupported(options: object, at = ""): readonly string[] {
  return Object.entries<unknown>({ ...options }).flatMap(([name, value]) => {
    if (name === "draw" && Array.isArray(value)) {
      return value.flatMap((overlay, index) => findUnsupported(overlay, `draw[${index}].`));
    }
    return ROWS[name]?.isUnsupported?.(value) ? [`${at}${name} ${JSON.stringify(value)}`] : [];
  });
}

/** Applies the options that change the pixels of a resized image, in their order (O10). */
export async function applyFilters(image: Picture, options: Transformations): Promise<Picture> {
  let picture = image;
  const rows: OptionTable = TRANSFORMATIONS;
  const values: Readonly<Record<string, unknown>> = options;
  for (const [name, { filter }] of Object.entries(rows)) {
    const amount = values[name];
    if (filter && typeof amount === "number") picture = await filter(picture, amount);
  }
  return picture;
}

/** What the binding takes for an option that it does not have (B7). */
const NOTHING = "nothing: the binding has no such option";

/** Returns whether the binding takes the options of a step. It refuses those that it lacks (B7). */
export const isBindingTransform = (values: object): values is Transformations =>
  findInvalidBindingOption("transform", values) === undefined;

/** Returns whether the binding takes the options of an overlay (B5). */
export const isBindingDraw = (values: object): values is DrawOptions =>
  findInvalidBindingOption("draw", values) === undefined && hasNoOppositeSides(values);

const BINDING_ROWS: Readonly<Record<"transform" | "draw", OptionTable>> = {
  transform: TRANSFORMATIONS,
  draw: DRAW,
};

/** Finds the first option that the binding refuses: it does not have it (B7), or not that value of it. */
export function findInvalidBindingOption(
  step: "transform" | "draw",
  values: object,
): InvalidOption | undefined {
  const rows = BINDING_ROWS[step];

  for (const [name, value] of Object.entries<unknown>({ ...values })) {
    const row = Object.hasOwn(rows, name) ? rows[name] : undefined;
    if (row === undefined || row.binding === false) {
      return { name, value, expected: NOTHING, rule: "B7" };
    }

    const { test, expected } = row.binding ?? row;
    if (test(value)) continue;
    // What is not as `cf.image` has it follows from another rule.
    return { name, value, expected, rule: row.binding === undefined ? row.rule : "B7" };
  }

  return undefined;
}
