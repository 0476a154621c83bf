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
import { type FormImages, readImages, readOutputOptions, readSteps } from "./read-form.ts";
import { type BindingFault, findBindingReason } from "./refusal.ts";

const SHARP_BINDING_RENDERER = { read: readHead, render: applySteps };
export type BindingRenderer = typeof SHARP_BINDING_RENDERER;

/**
 * Adds the Images binding to an edge.
 * @param renderer reads and renders the images; tests pass one that records what it gets
 */
export function withImages(
  { quota, addRefusal, ...edge }: EdgeCore,
  { read, render }: BindingRenderer = SHARP_BINDING_RENDERER,
) {
  const { switches } = edge;
  let calls = 0;

  async function answerImages(request: Request): Promise<Response> {
    if (switches.bindingFault === "throws") throw new Error("Network connection lost.");
    if (switches.bindingFault === "stalls") return new Promise<never>(() => {});
    const isInfo = new URL(request.url).pathname.endsWith("/info");

    const response = await answer(request, isInfo);
    if (!isEdgeFault(response)) return response;

    const { code, status } = response;
    const url = isInfo ? "IMAGES.info()" : "IMAGES.output()";
    const reason = findBindingReason(response, response === switches.failure);
    addRefusal({ url, fault: { code, status }, ...reason });
    return faultAnswer(response, "cf-images-binding");
  }

  async function answer(request: Request, isInfo: boolean): Promise<Response | BindingFault> {
    if (!switches.bindingAllowed) return { code: 9430, status: 403 }; // B3
    if (switches.failure !== undefined) return switches.failure;
    const form = await request.formData().catch(() => undefined);
    if (form === undefined) return { code: 9432, status: 400 };
    const images = await readImages(form, switches.bindingBytes);
    if (isEdgeFault(images)) return images;
    return isInfo ? describe(images[0]) : transform(form, images);
  }

  async function describe(bytes: Uint8Array): Promise<Response | BindingFault> {
    const original = await identifyOriginal(bytes, switches, read);
    if (isEdgeFault(original)) return original;
    if (original.type === "image/svg+xml") return Response.json({ format: "image/svg+xml" }); // B8
    const isUpright = switches.originalSides === "upright";
    const { width, height } = isUpright ? original.upright : original;
    return Response.json({ format: original.type, file_size: bytes.length, width, height });
  }

  async function transform(form: FormData, images: FormImages): Promise<Response | BindingFault> {
    const steps = readSteps(form, images.length, switches.unsupportedOptions === "refused");
    if (isEdgeFault(steps)) return steps;
    const output = readOutputOptions(form);
    if (isEdgeFault(output)) return output;
    const { format, ...unique } = output;
    // B10, open: the same bytes are billed once, or each call is.
    const source = switches.bindingSame === "bytes" ? digest(images) : `${calls++}`;
    const billed = `binding ${source} ${JSON.stringify([steps, unique])}`;
    if (!quota.allows(billed)) return { code: 9422, status: 429 }; // B10
    const originals: RasterOriginal[] = [];
    for (const bytes of images) {
      const original = await identifyOriginal(bytes, switches, read);
      if (isEdgeFault(original)) return original;
      if (original.type === "image/svg+xml") return { code: 9412, status: 415 }; // B4
      originals.push(original);
    }
    const [canvas, ...overlays] = originals;
    if (canvas === undefined) return { code: 9432, status: 400 };
    const image = await orDecodeFault(() => render([canvas, ...overlays], steps, output, switches));
    if (isEdgeFault(image)) return image;
    quota.bill(billed);
    return imageAnswer(image, canvas, `image/${format}`, switches.bindingFault);
  }

  const images = imagesBinding((path, body) =>
    answerImages(new Request(`https://js.images.cloudflare.com${path}`, { method: "POST", body })),
  );
  return { ...edge, transformations: quota.billed, images, answerImages };
}

const digest = (images: readonly Uint8Array[]) =>
  images.map((bytes) => createHash("sha256").update(bytes).digest("hex")).join(" ");

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
