// The service behind the Images binding, in the order of a request: it reads a form, and answers with an image, facts or
// a refusal. docs/rules.md has its rules.

import { createHash } from "node:crypto";
import { firstHalf } from "../byte-range.ts";
import type { Encoded } from "../edge/encode.ts";
import { faultAnswer, isEdgeFault } from "../edge/faults.ts";
import { identifyOriginal, type RasterOriginal, readHead } from "../edge/original.ts";
import { orDecodeFault } from "../edge/render.ts";
import type { EdgeCore } from "../edge/settings.ts";
import type { Switches } from "../edge/switches.ts";
import { applySteps } from "./apply-steps.ts";
import { imagesBinding } from "./binding.ts";
import {
  type FormImages,
  INVALID_FORM,
  readImages,
  readOutputOptions,
  readSteps,
} from "./read-form.ts";
import { type BindingFault, explainBindingFault } from "./refusal.ts";

export const SHARP_BINDING_RENDERER = { read: readHead, render: applySteps };
export type BindingRenderer = typeof SHARP_BINDING_RENDERER;

/** The edge to which the binding belongs, and what the binding counts. */
type ServiceState = Pick<EdgeCore, "switches" | "quota" | "addRefusal"> & {
  readonly renderer: BindingRenderer;
  /** How many calls of `output()` were billed as sources of their own (B10). */
  calls: number;
};

/**
 * Adds the Images binding to an edge.
 * @param renderer reads and renders the images; tests pass one that records what it gets
 */
export function withImages(
  { quota, addRefusal, ...edge }: EdgeCore,
  renderer: BindingRenderer = SHARP_BINDING_RENDERER,
) {
  const { switches } = edge;
  const service: ServiceState = { switches, quota, addRefusal, renderer, calls: 0 };
  const answerImages = (request: Request) => answerBinding(service, request);

  const images = imagesBinding((path, body) => {
    const url = `https://js.images.cloudflare.com${path}`;
    return answerImages(new Request(url, { method: "POST", body }));
  });
  return { ...edge, transformations: quota.billed, images, answerImages };
}

/** Answers a form, and records why it is refused. */
async function answerBinding(service: ServiceState, request: Request): Promise<Response> {
  const { switches } = service;
  if (switches.bindingFault === "throws") throw new Error("Network connection lost.");
  if (switches.bindingFault === "stalls") return new Promise<never>(() => {});

  const isInfo = new URL(request.url).pathname.endsWith("/info");
  const response = await answerForm(service, request, isInfo);
  if (!isEdgeFault(response)) return response;

  const { code, status } = response;
  const url = isInfo ? "IMAGES.info()" : "IMAGES.output()";
  const explanation = explainBindingFault(response, response === switches.failure);
  service.addRefusal({ url, fault: { code, status }, ...explanation });
  return faultAnswer(response, "cf-images-binding");
}

async function answerForm(
  service: ServiceState,
  request: Request,
  isInfo: boolean,
): Promise<Response | BindingFault> {
  const { switches } = service;
  if (!switches.bindingAllowed) return { code: 9430, status: 403 }; // the account may not use it (B3)
  if (switches.failure !== undefined) return switches.failure;

  const form = await request.formData().catch(() => undefined);
  if (form === undefined) return INVALID_FORM;

  const images = await readImages(form, switches.bindingBytes);
  if (isEdgeFault(images)) return images;

  return isInfo ? answerInfo(service, images[0]) : answerTransform(service, form, images);
}

/** Answers `info()`. It is not billed (B8). */
async function answerInfo(
  { switches, renderer }: ServiceState,
  bytes: Uint8Array,
): Promise<Response | BindingFault> {
  const original = await identifyOriginal(bytes, switches, renderer.read);
  if (isEdgeFault(original)) return original;

  // Of an SVG, it tells the format alone (B8).
  if (original.type === "image/svg+xml") return Response.json({ format: original.type });

  const isUpright = switches.originalSides === "upright";
  const { width, height } = isUpright ? original.upright : original;
  return Response.json({ format: original.type, file_size: bytes.length, width, height });
}

/** Answers `output()`. */
async function answerTransform(
  service: ServiceState,
  form: FormData,
  images: FormImages,
): Promise<Response | BindingFault> {
  const { switches, quota, renderer } = service;
  const steps = readSteps(form, images.length, switches.unsupportedOptions === "refused");
  if (isEdgeFault(steps)) return steps;

  const output = readOutputOptions(form);
  if (isEdgeFault(output)) return output;

  // A source with its steps is billed once a month, and the format does not count (B10).
  const { format, ...unique } = output;
  const billed = `binding ${billedSource(service, images)} ${JSON.stringify([steps, unique])}`;
  if (!quota.allows(billed)) return { code: 9422, status: 429 };

  const originals = await identifyImages(service, images);
  if (isEdgeFault(originals)) return originals;

  const image = await orDecodeFault(() => renderer.render(originals, steps, output, switches));
  if (isEdgeFault(image)) return image;

  quota.bill(billed);
  return imageAnswer(image, originals[0], `image/${format}`, switches.bindingFault);
}

/** It is open what the same source is: the same bytes, or nothing, so that each call is billed (B10). */
function billedSource(service: ServiceState, images: FormImages): string {
  if (service.switches.bindingSame === "bytes") {
    const hashes = images.map((bytes) => createHash("sha256").update(bytes).digest("hex"));
    return hashes.join(" ");
  }

  const source = `${service.calls}`;
  service.calls += 1;
  return source;
}

async function identifyImages(
  { switches, renderer }: ServiceState,
  images: FormImages,
): Promise<readonly [RasterOriginal, ...RasterOriginal[]] | BindingFault> {
  const originals: RasterOriginal[] = [];
  for (const bytes of images) {
    const original = await identifyOriginal(bytes, switches, renderer.read);
    if (isEdgeFault(original)) return original;

    // The binding reads no SVG (B4).
    if (original.type === "image/svg+xml") return { code: 9412, status: 415 };
    originals.push(original);
  }

  const [canvas, ...overlays] = originals;
  return canvas === undefined ? INVALID_FORM : [canvas, ...overlays];
}

/** A GIF of one pixel, for an answer whose type is not that of its bytes. */
const GIF = "R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

/** The answer with an image, or with what the switch `bindingFault` sends in its place. */
function imageAnswer(
  { type, bytes }: Encoded,
  original: RasterOriginal,
  requested: string,
  fault: Switches["bindingFault"],
): Response {
  const respond = (body: Uint8Array | ReadableStream<Uint8Array>, contentType = type) =>
    new Response(body, { headers: { "content-type": contentType } });

  switch (fault) {
    case "lies":
      return respond(Buffer.from(GIF, "base64"), requested);
    case "original":
      return respond(original.bytes, requested);
    case "breaks-off":
      return respond(firstHalf(bytes, "error"));
    case "stalls-midway":
      return respond(firstHalf(bytes, "silence"));
    default:
      return respond(bytes);
  }
}
