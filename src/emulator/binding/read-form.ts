// Reads the form that the binding posts: the images, the steps and the output. Unlike `cf.image`, the binding
// refuses what it does not know (B7).

import { isRecord } from "../check.ts";
import { isEdgeFault } from "../edge/faults.ts";
import {
  type DrawOptions,
  findInvalidBindingOption,
  findUnsupported,
  isBindingDraw,
  isBindingTransform,
  type Transformations,
} from "../edge/options.ts";
import { explainOption } from "../edge/refusal.ts";
import { between } from "../edge/value-rules.ts";
import type { BindingFault } from "./refusal.ts";

/** One step, on the image with that number. Image 0 is the canvas; the others are drawn. */
export type BindingStep = { readonly imageIndex: number } & (
  | { readonly overlayIndex?: never; readonly options: Transformations }
  | { readonly overlayIndex: number; readonly options: DrawOptions }
);

const FORMATS = ["jpeg", "png", "gif", "webp", "avif"] as const;

export type BindingOutput = {
  readonly format: (typeof FORMATS)[number];
  readonly quality?: number | undefined;
  readonly background?: string | undefined;
  readonly anim: boolean;
};

export type FormImages = readonly [Uint8Array, ...Uint8Array[]];

export const INVALID_FORM: BindingFault = { code: 9432, status: 400 };
const INVALID_OPTION: BindingFault = { code: 9401, status: 400 };

/** Reads the images of a form. @param maxBytes how many bytes an image may have (B1) */
export async function readImages(
  form: FormData,
  maxBytes: number,
): Promise<FormImages | BindingFault> {
  const values = [form.get("image"), ...form.getAll("draw_image")];
  const files = values.filter((value) => value instanceof Blob);

  const tooLarge = files.find(({ size }) => size > maxBytes);
  if (tooLarge) {
    const reason = `an image has ${tooLarge.size} bytes: the binding takes ${maxBytes} at most`;
    return { code: 9402, status: 413, explanation: { reason, rule: "B1" } };
  }

  const [canvas, ...overlays] = await Promise.all(files.map((file) => file.bytes()));
  return canvas === undefined ? INVALID_FORM : [canvas, ...overlays];
}

/**
 * Reads the steps, in the order in which they apply.
 * @param count how many images there are
 * @param refusesUnsupported whether a step that the emulator does not implement throws
 */
export function readSteps(
  form: FormData,
  count: number,
  refusesUnsupported: boolean,
): readonly BindingStep[] | BindingFault {
  const values = parse(readText(form, "transforms") ?? "[]");
  if (!Array.isArray(values)) return INVALID_FORM;

  const steps: BindingStep[] = [];
  for (const value of values) {
    const step = readStep(value, count);
    if (isEdgeFault(step)) return step;

    if (refusesUnsupported) throwIfUnsupported(step);
    steps.push(step);
  }
  return steps;
}

function readStep(value: unknown, count: number): BindingStep | BindingFault {
  if (!isRecord(value)) return INVALID_FORM;
  const { imageIndex, drawImageIndex, targetImageIndex, ...options } = value;

  if (drawImageIndex === undefined) {
    if (!isIndex(imageIndex, count)) return INVALID_FORM;
    if (!isBindingTransform(options)) return invalidStep("transform", options);
    return { imageIndex, options };
  }

  if (!isIndex(drawImageIndex, count) || !isIndex(targetImageIndex, count)) return INVALID_FORM;
  if (!isBindingDraw(options)) return invalidStep("draw", options);
  return { imageIndex: targetImageIndex, overlayIndex: drawImageIndex, options };
}

function isIndex(value: unknown, count: number): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < count;
}

function throwIfUnsupported({ options }: BindingStep): void {
  const unsupported = findUnsupported(options);
  if (unsupported.length === 0) return;
  throw new Error(`the strict edge cannot play ${unsupported.join(", ")}`);
}

function invalidStep(step: "transform" | "draw", options: object): BindingFault {
  const invalid = findInvalidBindingOption(step, options);
  if (invalid) return { ...INVALID_OPTION, explanation: explainOption(invalid) };

  const reason = "an overlay has both sides of an axis: left and right, or top and bottom";
  return { ...INVALID_OPTION, explanation: { reason, rule: "B5" } };
}

const QUALITY = between(1, 100);

/** Reads the output. Its quality has no names (B7). */
export function readOutputOptions(form: FormData): BindingOutput | BindingFault {
  const type = readText(form, "output_format");
  if (type === "rgb" || type === "rgba") throw new Error(`the strict edge cannot play ${type}`);

  const format = FORMATS.find((name) => type === `image/${name}`);
  if (format === undefined) {
    const types = FORMATS.map((name) => `image/${name}`);
    return invalidOutput("format", type, `one of ${types.join(", ")}`);
  }

  const qualityText = readText(form, "output_quality");
  const quality = qualityText === null ? undefined : parseNumber(qualityText);
  if (quality !== undefined && !QUALITY.test(quality)) {
    return invalidOutput("quality", qualityText, QUALITY.expected);
  }

  const background = readText(form, "background") ?? undefined;
  if (background === "") return invalidOutput("background", background, "a colour");

  const anim = readText(form, "anim");
  if (![null, "true", "false"].includes(anim)) return invalidOutput("anim", anim, "true or false");

  return { format, quality, background, anim: anim !== "false" };
}

/** @param value as the form has it: each is a text there */
function invalidOutput(name: string, value: string | null, expected: string): BindingFault {
  return { ...INVALID_OPTION, explanation: explainOption({ name, value, expected, rule: "B7" }) };
}

function readText(form: FormData, name: string): string | null {
  const value = form.get(name);
  return typeof value === "string" ? value : null;
}

/** An empty text is no number, although `Number("")` is 0. */
function parseNumber(text: string): number {
  return text === "" ? Number.NaN : Number(text);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
