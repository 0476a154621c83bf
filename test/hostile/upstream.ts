// The network of an attacked Worker: the strict edge, its Images binding and STS of src/emulator. A mood says how each of
// them fails or lies: then another response takes the place of the right one. All requests are recorded.

import { hash } from "node:crypto";
import { imagesBinding } from "../../src/emulator/binding/binding.ts";
import { type BindingRenderer, withImages } from "../../src/emulator/binding/service.ts";
import { createEdgeWith } from "../../src/emulator/edge/edge.ts";
import type { Fault } from "../../src/emulator/edge/faults.ts";
import type { RasterOriginal } from "../../src/emulator/edge/original.ts";
import { measure, type Renderer } from "../../src/emulator/edge/render.ts";
import type { EdgeInit } from "../../src/emulator/edge/settings.ts";
import { STRICT, type Switches } from "../../src/emulator/edge/switches.ts";
import { inputUrlOf } from "../../src/emulator/fetch.ts";
import { answerOf, errorOf } from "../support/issuer.ts";
import { answerTokenIssuer } from "../support/tokens.ts";
import { SESSION } from "./engines.ts";
import { fileOf, METADATA, ORIGINAL, renditionOf, typeOf, urlIn } from "./files.ts";
import { askS3, BUCKET, redirectAway } from "./s3-upstream.ts";
import { answerIssuer } from "./user-tokens.ts";
import {
  type BindingCall,
  changed,
  moodOf,
  type OUTCOMES,
  pick,
  record,
  state,
  withoutSource,
} from "./visit-state.ts";

/** `fetch` of the Worker. */
export async function fetchUpstream(
  input: RequestInfo | URL,
  init: RequestInit<RequestInitCfProperties> = {},
): Promise<Response> {
  const url = `${input}`;
  if (url.startsWith("https://sts.")) return answerOfSts(`${init.body}`);

  const keys = (await answerIssuer(url)) ?? answerTokenIssuer(url);
  if (keys && state.mood.isIssuerDown) throw new TypeError("no route to an issuer");
  if (keys) return keys;

  const call = record(url, init);
  if (init.cf === undefined) {
    const { response, label } = await askS3(url, init);
    call.reply = `${response.ok ? 200 : response.status} ${label}`;
    return response;
  }
  const response = await askEdge(url, init);
  call.reply = `${response.status} ${response.headers.get("cf-resized")}`;
  return response;
}

/** The sides of an original, in px. Half of them are turned by EXIF (O9). */
function headOf(bytes: Uint8Array): Omit<RasterOriginal, "bytes"> | undefined {
  const type = typeOf(bytes);
  if (type === undefined || type === "image/svg+xml" || type === "text/html") return undefined;
  const url = withoutSource(urlIn(bytes));
  const [across = 0, down = 0, isTurned = 0] = hash("sha1", url, "buffer");
  const { outcome } = moodOf(url);
  const shift = outcome === "smaller" ? 4 : 0;
  const added = outcome === "smaller" ? 1 : outcome === "too-large" ? 3000 : 40;
  const [width = 0, height = 0] = [across, down].map((side) => added + (side >> shift));
  const upright = isTurned % 2 ? { width: height, height: width } : { width, height };
  return { type, width, height, frames: /gif|webp/.test(type) ? 2 : 1, upright };
}

/** Makes renditions of a text. It makes other bytes of each source and each option: the edge caches them for ever. */
const RENDERER: Renderer = {
  read: async (bytes) => headOf(bytes),
  async render(original, image) {
    const { format = original.type === "image/gif" ? "png" : original.type } = image;
    const right = `image/${format.replace(/image\/|baseline-|-force/g, "")}`;
    const type = state.mood.twist === "stand-in" ? "image/jpeg" : right;
    const url = urlIn(original.bytes);
    const bytes = renditionOf(type, url, url + JSON.stringify(image));
    return { ...measure(original, image), type, bytes, warnings: [] };
  },
};

/** What the edge does with an original in place of making a rendition (R2, R6, O8). */
const SWITCHES: Partial<Record<(typeof OUTCOMES)[number], Partial<Switches>>> = {
  off: { transformations: false },
  smaller: { originalIsSmaller: { comparedBy: "sides", sent: "original" } },
  "too-large": { limits: { ...STRICT.limits, animation: 1 } },
};

/** The strict edge and its Images binding. @param edgeFault how both fail */
function edgeOf(url: string, edgeFault: Fault | undefined) {
  const edge = createEdgeWith(RENDERER, {
    ...{ zone: "images.example", sources: ["*.amazonaws.com", "s3.other.example"] },
    ...{ cache: false, unsupportedOptions: "left-out", failure: edgeFault, now: () => state.clock },
    originalFormat: state.mood.fault % 2 ? "name" : "type",
    ...SWITCHES[moodOf(url).outcome],
    fetch: async (input, init = {}) => {
      const source = inputUrlOf(input);
      if (!BUCKET.test(source)) return new Response(fileOf("image/png", "an overlay"));
      return (await askS3(source, init, true)).response;
    },
  });
  return withImages(edge, BINDING_RENDERER);
}

/** @throws if the connection is lost */
async function askEdge(url: string, init: RequestInit<RequestInitCfProperties>): Promise<Response> {
  const { outcome, edgeFault, failure } = moodOf(url);
  const isBroken = outcome === "broken" && failure === undefined;
  if (isBroken && state.mood.fault % 2 === 0) throw new TypeError("Network connection lost.");
  if (isBroken) return redirectAway();
  const response = await edgeOf(url, edgeFault).fetch(url, init as EdgeInit);
  state.mood = { ...state.mood, ...state.mood.meanwhile };
  return edgeFault ? response : withEdgeDefect(response, init.cf?.image, outcome);
}

function withEdgeDefect(
  right: Response,
  image: RequestInitCfPropertiesImage | undefined,
  outcome: (typeof OUTCOMES)[number],
): Response {
  const { mood } = state;
  const { twist, fault } = mood;
  if (outcome === "odd") {
    const { contentType, resized, etag, warning } = mood;
    const headers = changed(right.headers, { "content-length": "" });
    const headersOfMood = { "content-type": contentType, "cf-resized": resized, etag, warning };
    for (const [name, value] of Object.entries(headersOfMood)) headers.set(name, value);
    return new Response(image?.format === "json" ? pick(ODD_FACTS, fault) : "odd", { headers });
  }
  const isRendition = right.ok && image?.format !== "json";
  if (!isRendition || !right.body) return right;
  if (twist === "half") return new Response(brokenOff(right.body), right);
  if (twist !== "short") return right;
  const length = Number(right.headers.get("content-length"));
  const headers = changed(right.headers, { "content-length": `${length + 5}` });
  return new Response(right.body, { headers });
}

/** A stream that breaks off at its end. */
function brokenOff(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const flush = () => Promise.reject(new Error("it broke off"));
  return stream.pipeThrough(new TransformStream<Uint8Array, Uint8Array>({ flush }));
}

const oddFacts = (side: unknown, height: unknown, format = "png") =>
  `{"width":${side},"height":9,"original":{"width":9,"height":${height},"format":"${format}"}}`;

/** What the edge could tell if it were broken, or another. */
const ODD_FACTS = [
  ...["", "{}", "[]", "null", ORIGINAL, `"${ORIGINAL}"`],
  ...['{"width":1,"height":1}', '{"original":{}}'],
  ...[0, -1, 1.5, 1e9, `"${ORIGINAL}"`, '"9"', "null", "[9]", "true", 9].flatMap((side) => [
    oddFacts(side, 9),
    oddFacts(9, side),
  ]),
  ...[ORIGINAL, "<b>", "image/svg+xml", "image/x-icon", "IMAGE/JPEG", "jpg", ""].map((format) =>
    oddFacts(9, 9, format),
  ),
];

/** What the binding makes: a rendition, or the original in its place. */
const BINDING_RENDERER: BindingRenderer = {
  read: RENDERER.read,
  async render([canvas], steps, output) {
    const { outcome } = moodOf(urlIn(canvas.bytes));
    const type = `image/${output.format}`;
    if (outcome === "off") return { type, bytes: canvas.bytes };
    const isSame = type === canvas.type || state.mood.fault % 2 === 0;
    if (outcome === "smaller" && isSame) return canvas;
    const request = `${hash("sha1", canvas.bytes)} ${JSON.stringify([steps, output])}`;
    const metadata = state.mood.s3 % 2 === 0 ? METADATA : ""; // B9, open
    return { type, bytes: renditionOf(type, urlIn(canvas.bytes), request, metadata) };
  },
};

/** The Images binding. */
export function createImages(): ImagesBinding {
  return imagesBinding(async (path, form) => {
    const files = [form.get("image"), ...form.getAll("draw_image")];
    const [canvas = new Uint8Array(), ...overlays] = await Promise.all(
      files.map((file) => (file instanceof Blob ? file.bytes() : new Uint8Array())),
    );
    const url = urlIn(canvas);
    if (path === "/transform") state.requests.bound.push(readCall(form, canvas, overlays));
    const { outcome, failure, edgeFault } = moodOf(url);
    const isDenied = failure?.code === 9408; // of S3 alone
    const edge = edgeOf(url, isDenied ? undefined : edgeFault);
    const request = new Request(`https://images.example${path}`, { method: "POST" });
    const right = await edge.answerImages(Object.assign(request, { formData: async () => form }));
    if (path === "/transform") state.mood = { ...state.mood, ...state.mood.meanwhile };
    if (!right.ok) return new Response(`${await right.text()} ${ORIGINAL}`, right);
    if (outcome === "odd" && path === "/info") {
      const width = url.length % 2 ? ORIGINAL : -1;
      return Response.json({ ...Object(await right.json()), width });
    }
    if (outcome === "odd") {
      return new Response("odd", { headers: { "content-type": state.mood.contentType } });
    }
    const isHalf = state.mood.twist === "half" && path === "/transform" && right.body;
    return isHalf ? new Response(brokenOff(isHalf), right) : right;
  });
}

type FormStep = { drawImageIndex?: number; targetImageIndex?: number; imageIndex?: number };

function readCall(form: FormData, canvas: Uint8Array, marks: readonly Uint8Array[]): BindingCall {
  const steps: readonly FormStep[] = JSON.parse(`${form.get("transforms")}`);
  const overlays = steps.flatMap(({ drawImageIndex, targetImageIndex: _, ...options }) => {
    const mark = drawImageIndex === undefined ? undefined : marks[drawImageIndex - 1];
    return mark ? [{ url: urlIn(mark), options }] : [];
  });
  const transforms = steps.flatMap(({ imageIndex, ...options }) =>
    imageIndex === 0 ? [options] : [],
  );
  const names = ["format", "quality", "background", "anim"];
  const output = names.flatMap((name) => {
    const value = form.get(name === "format" || name === "quality" ? `output_${name}` : name);
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  const url = urlIn(canvas);
  return { url, type: typeOf(canvas), transforms, overlays, output: Object.fromEntries(output) };
}

/** What STS gives for a role, or why not. */
function answerOfSts(form: string): Response {
  const { sts } = state.mood;
  const grantOf = (sessionToken: string) =>
    answerOf(state.clock + 3_600_000, { ...SESSION, sessionToken });
  if (sts === undefined) return new Response(grantOf(SESSION.sessionToken));
  if (sts % 2 === 0) throw new TypeError(`no route to ${form}`);
  const codes = ["InvalidIdentityToken", "AccessDenied", "ExpiredTokenException", form.slice(-80)];
  const text = pick([errorOf(pick(codes, sts), form), form, ""], sts >> 2);
  const status = pick([200, 400, 403, 302], sts);
  return new Response(pick([grantOf(""), text, text], sts), { status });
}
