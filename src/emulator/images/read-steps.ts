// Reads what a form asks for: the steps and the output. Unlike `cf.image`, the binding refuses what it does
// not know (B7).

import { isTable } from "../check.ts";
import { type Fault, isFault } from "../edge/faults.ts";
import type { Transformations } from "../edge/image-options.ts";
import {
  between,
  either,
  isText,
  oneOf,
  SIDES,
  type Test,
  TRANSFORMS,
} from "../edge/read-options.ts";
import type { Posted } from "./read-form.ts";
import type { BindingDraw } from "./types.ts";

/** One step, on the image with that number. */
export type Step =
  | { readonly on: number; readonly options: Transformations }
  | { readonly on: number; readonly drawn: number; readonly draw: Drawn };

type Drawn = Omit<BindingDraw, "repeat"> & { readonly repeat?: true | "x" | "y" };

/** What comes out. */
export type Output = {
  readonly format: (typeof FORMATS)[number];
  readonly quality?: number | undefined;
  readonly background?: string | undefined;
  readonly anim: boolean;
};

const FORMATS = [
  ...(["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "rgb", "rgba"] as const),
] as const;

const { dpr: _dpr, zoom: _zoom, upscale: _upscale, ...SHARED } = TRANSFORMS; // B7
const point = (value: unknown) => !isTable(value) || value["mode"] !== undefined;
const STEP = {
  ...SHARED,
  fit: oneOf("scale-down", "contain", "cover", "crop", "pad", "squeeze"),
  rotate: oneOf(0, 90, 180, 270),
  gravity: (value) => SHARED.gravity(value) && point(value),
} as const satisfies Record<string, Test>;

const DRAW = {
  ...SIDES,
  opacity: between(0, 1),
  repeat: oneOf(true, false, "x", "y"),
  composite: oneOf("over", "in", "atop", "out", "xor", "lighter"),
} as const satisfies Record<string, Test>;

/** Reads the steps, in the order in which they apply. */
export function readSteps({ transforms, images }: Posted): readonly Step[] | Fault {
  if (!Array.isArray(transforms)) return { code: 9432, status: 400 };
  const steps: Step[] = [];
  for (const one of transforms) {
    const step = isTable(one) ? readStep(one, images.length) : { code: 9432, status: 400 };
    if (isFault(step)) return step;
    steps.push(step);
  }
  return steps;
}

function readStep(given: Record<string, unknown>, count: number): Step | Fault {
  const { imageIndex, drawImageIndex, targetImageIndex, ...options } = given;
  const isPlace = (value: unknown): value is number =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) < count;
  if (drawImageIndex === undefined) {
    if (!isPlace(imageIndex)) return { code: 9432, status: 400 };
    return isStep(options) ? { on: imageIndex, options } : { code: 9401, status: 400 };
  }
  if (!isPlace(drawImageIndex) || !isPlace(targetImageIndex)) return { code: 9432, status: 400 };
  if (!isDraw(options)) return { code: 9401, status: 400 };
  const { repeat, ...draw } = options;
  const repeated = ([true, "x", "y"] as const).find((known) => known === repeat);
  return {
    on: targetImageIndex,
    drawn: drawImageIndex,
    draw: repeated ? { ...draw, repeat: repeated } : draw,
  };
}

const isStep = (options: Record<string, unknown>): options is Transformations =>
  holdExactly(STEP, options);

/** Both sides of an axis exclude each other (B5). */
const isDraw = (options: Record<string, unknown>): options is BindingDraw =>
  holdExactly(DRAW, options) &&
  !("left" in options && "right" in options) &&
  !("top" in options && "bottom" in options);

function holdExactly(tests: Readonly<Record<string, Test>>, values: Record<string, unknown>) {
  return Object.entries(values).every(([name, value]) => {
    const test = Object.hasOwn(tests, name) ? tests[name] : undefined;
    return test?.(value) === true;
  });
}

/** Reads the output (B7). */
export function readOutput({ output }: Posted): Output | Fault {
  const format = FORMATS.find((known) => known === output.format);
  const quality = readQuality(output.quality);
  const { background, anim } = output;
  const isRight = either(oneOf(null), isText)(background) && oneOf(null, "true", "false")(anim);
  if (format === undefined || quality === "wrong" || !isRight) return { code: 9401, status: 400 };
  return { format, quality, background: background ?? undefined, anim: anim !== "false" };
}

function readQuality(text: string | null): Output["quality"] | "wrong" {
  if (text === null) return undefined;
  return text.trim() !== "" && between(1, 100)(Number(text)) ? Number(text) : "wrong";
}
