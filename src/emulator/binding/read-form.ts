// Reads the form that the binding posts: the images, the steps and the output. Unlike `cf.image`, the binding
// refuses what it does not know (B7).

import { isRecord } from "../check.ts";
import { isEdgeFault } from "../edge/faults.ts";
import {
  between,
  type DrawOptions,
  findInvalidBindingOption,
  findUnsupported,
  isBindingDraw,
  isBindingTransform,
  type Transformations,
} from "../edge/options.ts";
import { optionReason } from "../edge/refusal.ts";
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

const INVALID_FORM: BindingFault = { code: 9432, status: 400 };
const INVALID_OPTION: BindingFault = { code: 9401, status: 400 };

/** Reads the images of a form. @param maxBytes how many bytes an image may have (B1) */
export async function readImages(
  form: FormData,
  maxBytes: number,
): Promise<FormImages | BindingFault> {
  const all = [form.get("image"), ...form.getAll("draw_image")];
  const files = all.filter((file) => file instanceof Blob);
  const tooLarge = files.find(({ size }) => size > maxBytes);
  if (tooLarge) {
    const text = `an image has ${tooLarge.size} bytes: the binding takes ${maxBytes} at most`;
    return { code: 9402, status: 413, explanation: { reason: text, rule: "B1" } };
  }

  const [canvas, ...overlays] = await Promise.all(files.map((file) => file.bytes()));
  return canvas === undefined ? INVALID_FORM : [canvas, ...overlays];
}

/**
 * Reads the steps, in the order in which they apply.
 * @param count how many images there are
 * @param refuses whether a step that the emulator does not implement throws
 */
export function readSteps(
  form: FormData,
  count: number,
  refuses: boolean,
): readonly BindingStep[] | BindingFault {
  const values = parse(readText(form, "transforms") ?? "[]");
  if (!Array.isArray(values)) return INVALID_FORM;
  const steps: BindingStep[] = [];
  for (const value of values) {
    const step = isRecord(value) ? readStep(value, count) : INVALID_FORM;
    if (isEdgeFault(step)) return step;
    const unsupported = refuses ? findUnsupported(step.options) : [];
    if (unsupported.length > 0)
      throw new Error(`the strict edge cannot play ${unsupported.join(", ")}`);
    steps.push(step);
  }
  return steps;
}

function readStep(value: Record<string, unknown>, count: number): BindingStep | BindingFault {
  const { imageIndex, drawImageIndex, targetImageIndex, ...options } = value;
  const isIndex = (index: unknown): index is number =>
    Number.isInteger(index) && Number(index) >= 0 && Number(index) < count;
  if (drawImageIndex === undefined) {
    if (!isIndex(imageIndex)) return INVALID_FORM;
    if (!isBindingTransform(options)) return invalidStep("transform", options);
    return { imageIndex, options };
  }
  if (!isIndex(drawImageIndex) || !isIndex(targetImageIndex)) return INVALID_FORM;
  if (!isBindingDraw(options)) return invalidStep("draw", options);
  return { imageIndex: targetImageIndex, overlayIndex: drawImageIndex, options };
}

function invalidStep(step: "transform" | "draw", options: object): BindingFault {
  const invalid = findInvalidBindingOption(step, options);
  if (invalid) return { ...INVALID_OPTION, explanation: optionReason(invalid) };

  const text = "an overlay has both sides of an axis: left and right, or top and bottom";
  return { ...INVALID_OPTION, explanation: { reason: text, rule: "B5" } };
}

const QUALITY = between(1, 100);

/** Reads the output. Its quality has no names (B7). */
export function readOutputOptions(form: FormData): BindingOutput | BindingFault {
  const type = readText(form, "output_format");
  if (type === "rgb" || type === "rgba") throw new Error(`the strict edge cannot play ${type}`);
  const format = FORMATS.find((name) => type === `image/${name}`);
  const text = readText(form, "output_quality");
  const quality = text === null ? undefined : Number(text || Number.NaN);
  const background = readText(form, "background") ?? undefined;
  const anim = readText(form, "anim");

  if (format === undefined) {
    const types = FORMATS.map((name) => `image/${name}`);
    return invalidOutput("format", type, `one of ${types.join(", ")}`);
  }
  if (quality !== undefined && !QUALITY.test(quality)) {
    return invalidOutput("quality", text, QUALITY.expected);
  }
  if (background === "") return invalidOutput("background", background, "a colour");
  if (![null, "true", "false"].includes(anim)) return invalidOutput("anim", anim, "true or false");

  return { format, quality, background, anim: anim !== "false" };
}

/** @param value as the form has it: each is a text there */
function invalidOutput(name: string, value: string | null, expected: string): BindingFault {
  return { ...INVALID_OPTION, explanation: optionReason({ name, value, expected, rule: "B7" }) };
}

function readText(form: FormData, name: string): string | null {
  const value = form.get(name);
  return typeof value === "string" ? value : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
