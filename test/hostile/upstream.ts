// What the Worker asks: the strict S3, R2, edge and Images binding of src/emulator. A mood says how each of them
// fails or lies: then another response takes the place of the right one. All that is asked is recorded.

import { hash } from "node:crypto";
import { imagesBinding } from "../../src/emulator/binding/binding.ts";
import { type BindingRenderer, withImages } from "../../src/emulator/binding/service.ts";
import { createEdgeWith } from "../../src/emulator/edge/edge.ts";
import { FAULTS, type Fault } from "../../src/emulator/edge/faults.ts";
import type { Original } from "../../src/emulator/edge/original.ts";
import { measure, type Renderer } from "../../src/emulator/edge/render.ts";
import type { EdgeInit } from "../../src/emulator/edge/settings.ts";
import { STRICT, type Switches } from "../../src/emulator/edge/switches.ts";
import { type FetchInit, urlOf } from "../../src/emulator/fetch.ts";
import { createR2 } from "../../src/emulator/r2/r2.ts";
import { createS3, type S3 } from "../../src/emulator/s3/s3.ts";
import { CREDENTIALS, NEXT_CREDENTIALS } from "../support/env.ts";
import { answerOf, errorOf } from "../support/issuer.ts";
import { type Engine, MARK, SESSION, sessionsOf } from "./engines.ts";
import { fileOf, ORIGINAL, PLACE, renditionOf, streamOf, typeOf, urlIn } from "./files.ts";
import { spellPath } from "./spelling.ts";

export const ORIGIN = "https://acme-media.s3.eu-west-1.amazonaws.com/";
export const OTHER = "https://s3.other.example/acme-other/";

/** The fallback object of each route that has one. */
export const FALLBACKS: Readonly<Record<string, string>> = {
  "/images/:preset/*": `${OTHER}none/%401.png`,
  "/private/:preset/*": `${ORIGIN}published/a.jpg`,
};

const TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/svg+xml", "text/html"];
const OUTCOMES = ["made", "off", "smaller", "too-large", "fault", "broken", "odd"] as const;

/** How the edge and S3 behave, separately for a fallback. Each number chooses from a list, modulo its length. */
export type Mood = {
  readonly outcome: number;
  readonly type: number;
  readonly fault: number;
  readonly s3: number;
  /** Whether the limiter refuses this visitor. */
  readonly spent: boolean;
  /** The headers of the edge with the outcome "odd". */
  readonly resized: string;
  readonly contentType: string;
  readonly etag: string;
  readonly warning: string;
  /** The type of an object that this one took the place of, if the edge still has that one (C1). */
  readonly replaced?: number | undefined;
  /** How the edge fails, whatever the outcome is; not for a fallback. */
  readonly failure?: Fault | undefined;
  /** How STS fails; undefined: it does not. */
  readonly sts?: number | undefined;
  /** What S3 replies in place of the object, of REPLIES, whatever the edge does; not for a fallback. */
  readonly down?: number | undefined;
  /** How the object, or what is made of it, is not as it should be. */
  readonly twist?: Twist | undefined;
  /** What is so as soon as a rendition is made. */
  readonly meanwhile?: Partial<Mood> | undefined;
  /** Which bytes the object has now, and so which ETag. */
  readonly revision?: number | undefined;
  /** The id of an access key that may not read any object. */
  readonly denied?: string | undefined;
};

/** S3 names no bytes; the rendition breaks off, or is shorter than it says; or has a type in place of another. */
export const TWISTS = ["no-etag", "half", "short", "stand-in"] as const;
type Twist = (typeof TWISTS)[number];

/** One call of fetch, or of R2. */
export type Call = {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly cf: RequestInitCfProperties | undefined;
  readonly redirect: string | undefined;
  readonly cache: string | undefined;
  /** What came back: the status with the edge's result, or with S3's code or lie; undefined if nothing did. */
  reply: string | undefined;
};

/** What the Images binding was asked to make of the object of a URL, as far as the bytes say it. */
export type BindingCall = {
  readonly url: string;
  /** The type of its first bytes. */
  readonly type: string | undefined;
  readonly transforms: readonly object[];
  readonly output: Readonly<Record<string, string>>;
  readonly overlays: readonly { readonly url: string; readonly options: object }[];
};

/** What the Worker asked. */
export type Requests = {
  calls: Call[];
  /** The calls for what is drawn on a picture. */
  drawn: Call[];
  bound: BindingCall[];
  /** Why the strict S3 refused a request, whatever it then replied. */
  refused: string[];
};

/** The state of a visit. */
export const state: { mood: Mood; engine: Engine; clock: number; requests: Requests } = {
  mood: {
    ...{ outcome: 0, type: 0, fault: 0, s3: 0, spent: false },
    ...{ resized: "", contentType: "", etag: "", warning: "" },
  },
  ...{ engine: "cf", clock: 0, requests: { calls: [], drawn: [], bound: [], refused: [] } },
};

const pick = <T>(list: readonly T[], at: number): T => {
  const one = list[at % list.length];
  if (one === undefined) throw new Error("nothing to choose from");
  return one;
};

/** The URL of an object, of the URL of its bytes that the edge is asked for. */
export const withoutSource = (url: string) => url.replace(/\?x-vitrine=[0-9a-f]{32}$/, "");

/** Returns whether a URL is of an overlay. No visitor asks for one. */
const isMark = (url: string) =>
  url.endsWith(`/${encodeURIComponent(MARK.key).replace("%2F", "/")}`);

function record(url: string, init: RequestInit<RequestInitCfProperties>): Call {
  const { method = "GET", redirect, cache, cf } = init;
  const headers = new Headers(init.headers);
  const call: Call = { url, method, headers, cf, redirect, cache, reply: undefined };
  state.requests[isMark(url) ? "drawn" : "calls"].push(call);
  return call;
}

/** The mood for an object: a fallback has its own. Trouble is how the edge and the binding fail. */
function moodOf(url: string) {
  const { mood } = state;
  const isOther = Object.values(FALLBACKS).includes(withoutSource(url));
  const [type, at] = isOther ? [mood.s3 >> 4, mood.s3] : [mood.type, mood.outcome];
  const [failure, down] = isOther ? [] : [mood.failure, mood.down];
  const outcome = pick(OUTCOMES, at);
  const trouble = failure ?? (outcome === "fault" ? pick(FAULTS, mood.fault) : undefined);
  return { down, type: pick(TYPES, type), outcome, failure, trouble };
}

/** `fetch` of the Worker. */
export async function fetchUpstream(
  input: RequestInfo | URL,
  init: RequestInit<RequestInitCfProperties> = {},
): Promise<Response> {
  const url = `${input}`;
  if (url.startsWith("https://sts.")) return answerOfSts(`${init.body}`);
  const call = record(url, init);
  if (init.cf === undefined) {
    const { response, word } = await askS3(url, init);
    call.reply = `${response.ok ? 200 : response.status} ${word}`;
    return response;
  }
  const response = await askEdge(url, init);
  call.reply = `${response.status} ${response.headers.get("cf-resized")}`;
  return response;
}

/** What S3 can reply in place of an object. Only outages, which come first, are no word on the object. */
export const REPLIES = [
  [0, "", "outage"],
  [500, "InternalError", "outage"],
  [503, "SlowDown", "outage"],
  [429, "TooManyRequests", "outage"],
  [403, "InvalidAccessKeyId", "outage"],
  [302, "", "outage"],
  [403, "RequestTimeTooSkewed", "outage"],
  [404, "NoSuchKey", "gone"],
  [404, "", "word"],
  [404, "NoSuchBucket", "word"],
  [403, "AccessDenied", "word"],
  [403, "InvalidObjectState", "word"],
  [400, "Weird", "word"],
] as const;

type Reply = readonly [status: number, code: string, meaning?: string];
/** What S3 does: it replies with a failure, or with an object of a type, which may be a lie. */
type Fate = { readonly reply?: Reply; readonly lie?: Lie | undefined; readonly type: string };

const OUT_OF_REACH: ReadonlySet<number | undefined> = new Set([9505, 9509, 9510, 9518, 9519]);
const RESET: Reply = [0, ""];
const REDIRECT: Reply = [302, ""];

function fateOf(url: string, isOfEdge: boolean): Fate {
  const { fault, s3, replaced } = state.mood;
  const { down, type, outcome, failure, trouble } = moodOf(url);
  if (isMark(url)) return { type: "image/png" };
  if (down !== undefined) return { type, reply: pick(REPLIES, down) };
  if (isOfEdge) return { type: replaced === undefined ? type : pick(TYPES, replaced) };
  if (trouble?.status === 404) return { type, reply: [404, "NoSuchKey"] };
  const isOwn = failure === undefined; // else it fails in that way alone
  const isDenied = (isOwn && outcome === "fault" && fault % 3 === 0) || trouble?.code === 9408;
  if (isDenied && s3 % 4 !== 0) return { type, reply: pick(REPLIES, s3 >> 2) };
  const isLarge = (isOwn && outcome === "too-large") || trouble?.code === 9402;
  const isLie = isOwn && outcome === "odd" && fault % 2 === 0;
  const lie = isLarge ? "too-large" : isLie ? pick(LIES, fault >> 1) : undefined;
  // Where Images fails, the object itself is one that it reads.
  const sent = { lie, type: isOwn || TYPES.indexOf(type) < 4 ? type : "image/png" };
  // With "cf", most of what fails there is the edge's own fault.
  if (state.engine === "cf" && s3 % 3 !== 0) return sent;
  if (OUT_OF_REACH.has(trouble?.code)) {
    const reply: Reply = [pick([500, 503, 400, 429], s3 >> 1), "InternalError"];
    return { type, reply: s3 % 2 === 0 ? RESET : reply };
  }
  if (trouble?.code === 9420) return { type, reply: REDIRECT };
  if (outcome === "broken" && isOwn) return { type, reply: fault % 2 === 0 ? RESET : REDIRECT };
  return trouble?.code === 9412 ? { ...sent, type: "text/html" } : sent;
}

/** S3's ETag of an object, without quotes. */
const etagOf = (revision: number) => `s3-etag-of-the-original-${revision}`;

const bodyOf = (url: string, type: string) => {
  const revision = isMark(url) ? 0 : (state.mood.revision ?? 0);
  return fileOf(type, `${ORIGINAL} ${url} ${revision}`, `${PLACE} ${ORIGINAL}`);
};

const BUCKET =
  /^https:\/\/(?:([\w-]+)\.s3\.eu-west-1\.amazonaws\.com|s3\.other\.example\/([\w-]+))\//;
/** By engine and URL. */
const buckets = new Map<string, S3>();

/** @throws if there is no bucket */
function bucketOf(url: string): { readonly s3: S3; readonly key: string } {
  const [base = "", ofAws, ofOther] = BUCKET.exec(url) ?? [];
  const bucket = ofAws ?? ofOther;
  if (bucket === undefined) throw new TypeError(`no route to ${url}`);
  const { engine } = state;
  const known = buckets.get(`${engine} ${base}`);
  const s3 =
    known ??
    createS3({
      endpoint: ofAws ? "https://s3.eu-west-1.amazonaws.com" : "https://s3.other.example",
      ...{ bucket, region: bucket === "acme-other" ? "auto" : "eu-west-1" },
      ...{ credentials: CREDENTIALS, sessions: sessionsOf(engine), now: () => state.clock },
      dialect: ofAws ? "aws" : "r2",
    });
  if (!known) for (const [id, secret] of KEYS) s3.keys.set(id, secret);
  buckets.set(`${engine} ${base}`, s3);
  return { s3, key: decodeURIComponent(url.slice(base.length).replace(/\?.*/s, "")) };
}

/** Credentials that a deploy may give a bucket of its own. */
export const OTHER_SECRETS = {
  OTHER_ACCESS_KEY_ID: "AKIAQYLPMN5HHHFPTYPO",
  OTHER_SECRET_ACCESS_KEY: "s3cret".repeat(6),
};

const KEYS = [
  [NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey],
  [OTHER_SECRETS.OTHER_ACCESS_KEY_ID, OTHER_SECRETS.OTHER_SECRET_ACCESS_KEY],
] as const;

type FromS3 = { readonly response: Response; readonly word: string };

/**
 * Asks S3 for an object, which it then has.
 * @throws if the connection is lost
 */
async function askS3(url: string, init: FetchInit, isOfEdge = false): Promise<FromS3> {
  const { mood } = state;
  const { reply, lie, type } = fateOf(url, isOfEdge);
  const { s3, key } = bucketOf(url);
  const body = bodyOf(url, type);
  const isOld = isOfEdge && mood.replaced !== undefined;
  const etag = isOld ? "y" : mood.twist === "no-etag" ? null : etagOf(mood.revision ?? 0);
  // The edge contradicts S3 if both its tag and its date are other ones.
  const day = isOld && Number(mood.replaced) % 2 ? 2 : 3;
  const lastModified = new Date(Date.UTC(2026, 10, day, 9));
  s3.objects.set(key, { body, type, etag, lastModified, metadata: { owner: "acme-ada" } });
  const response = await s3.fetch(url, init);
  s3.objects.clear();
  s3.requests.length = 0;
  s3.answers.length = 0;
  if (!response.ok) {
    const [, code = ""] = /<Code>(\w+)/.exec(await response.clone().text()) ?? [];
    state.requests.refused.push(code);
    return { response, word: code };
  }
  const credential = new Headers(init.headers).get("authorization");
  if (credential?.includes(`=${mood.denied}/`)) return replyOf([403, "AccessDenied"]);
  return reply ? replyOf(reply) : { response: lieOf(response, body, url, lie), word: lie ?? "" };
}

/** @throws if the connection is lost */
function replyOf([status, code]: Reply): FromS3 {
  if (status === 0) throw new TypeError("Network connection lost.");
  if (status === 302) return { response: redirectAway(), word: "" };
  const xml = `<Error><Code>${code}</Code><Region>${state.mood.resized}</Region></Error>`;
  const headers = { date: state.mood.etag };
  return { response: new Response(xml, { status, headers }), word: code };
}

const redirectAway = () =>
  new Response(null, { status: 302, headers: { location: "https://evil.example/" } });

type Sent = { body?: ReadableStream; headers?: Record<string, string>; status?: number };

/** The most bytes of an object that the binding reads (B1). */
const MAX_BYTES = 20_000_000;

/** How an object comes that is not as it should be: always whole. A header of "" is missing. */
const SPOILT = {
  "no-length": () => ({ headers: { "content-length": "" } }),
  longer: (whole) => ({ body: streamOf(Buffer.concat([whole, Buffer.alloc(9000, ORIGINAL)])) }),
  shorter: (whole) => ({ body: streamOf(whole.subarray(0, whole.length - 5)) }),
  "odd-length": (_, url) => {
    return { headers: { "content-length": hash("sha1", url).startsWith("7") ? "-1" : "0x20" } };
  },
  "too-large": (whole) => ({
    body: streamOf(whole, undefined, MAX_BYTES + 1 - whole.length),
    headers: { "content-length": `${MAX_BYTES + 1}` },
  }),
  gzip: () => ({ headers: { "content-encoding": "gzip" } }),
  part: ({ length }) => ({ headers: { "content-range": `bytes 0-9/${length}` }, status: 206 }),
  empty: () => ({ body: streamOf(Buffer.alloc(0)), headers: { "content-length": "0" } }),
  cut: (whole) => ({ body: streamOf(whole.subarray(0, 2)), headers: { "content-length": "2" } }),
  breaks: (whole) => ({ body: streamOf(whole.subarray(0, 40), new Error("Connection lost.")) }),
  "foreign-type": () => ({ headers: { "content-type": "image/png" } }),
  "two-types": () => ({ headers: { "content-type": "image/jpeg, text/html" } }),
} as const satisfies Record<string, (whole: Buffer, url: string) => Sent>;

type Lie = keyof typeof SPOILT;
const isLie = (name: string): name is Lie => Object.hasOwn(SPOILT, name);
export const LIES = Object.keys(SPOILT).filter(isLie);

/** The response with an object, as it is right or spoilt. These short objects are whole in each range. */
function lieOf(right: Response, whole: Buffer, url: string, lie: Lie | undefined): Response {
  if (!lie) return new Response(streamOf(whole), right);
  const { body = streamOf(whole), status = 200, headers = {} }: Sent = SPOILT[lie](whole, url);
  const own = { "content-range": "", "content-length": `${whole.length}` };
  return new Response(body, { status, headers: changed(right.headers, { ...own, ...headers }) });
}

/** A header of "" is removed. */
export function changed(headers: Headers, change: Readonly<Record<string, string>>): Headers {
  const all = new Headers(headers);
  for (const [name, value] of Object.entries(change)) {
    if (value === "") all.delete(name);
    else all.set(name, value);
  }
  return all;
}

/** The binding of an R2 bucket. Its calls are noted as if they went to a URL. */
export function createR2Source(base: string): object {
  const get = async (key: string, options: R2GetOptions = {}) => {
    const url = base + spellPath(key).replaceAll("@", "%40");
    const call = record(url, { redirect: "manual", cache: "no-store" });
    const { reply, lie, type } = fateOf(url, false);
    if (reply) {
      const { response, word } = replyOf(reply);
      call.reply = `${response.status} ${word}`;
      if (response.status === 404) return null;
      throw new Error(`get: Unspecified error (0) ${ORIGINAL}`);
    }
    const body = bodyOf(url, type);
    const r2 = createR2({ [key]: { body, type, customMetadata: { owner: "acme-ada" } } });
    const object = await r2.get(key, options);
    const plain = new Response(null, {
      headers: { "content-type": type, "content-length": `${body.length}` },
    });
    const { headers, body: stream } = lieOf(plain, body, url, lie);
    call.reply = `200 ${lie ?? ""}`;
    const contentType = headers.get("content-type") ?? "";
    const contentEncoding = headers.get("content-encoding") ?? undefined;
    const size = Number(headers.get("content-length") ?? 0);
    return { ...object, size, body: stream, httpMetadata: { contentType, contentEncoding } };
  };
  return { get, head: get };
}

/** The sides of an original, in px. Half of them are turned by EXIF (O9). */
function headOf(bytes: Uint8Array): Omit<Original, "bytes"> | undefined {
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

/** Makes renditions of a text. It makes other bytes of each source and each option: the edge keeps them for ever. */
const MAKER: Renderer = {
  read: async (bytes) => headOf(bytes),
  async render(original, image) {
    const { format = original.type === "image/gif" ? "png" : original.type } = image;
    const right = `image/${format.replace(/image\/|baseline-|-force/g, "")}`;
    const type = state.mood.twist === "stand-in" ? "image/jpeg" : right;
    const bytes = renditionOf(type, urlIn(original.bytes) + JSON.stringify(image));
    return { ...measure(original, image), type, bytes, warnings: [] };
  },
};

/** What the edge does with an original in place of making a rendition (R2, R6, O8). */
const SWITCHES: Partial<Record<(typeof OUTCOMES)[number], Partial<Switches>>> = {
  off: { transformations: false },
  smaller: { originalIsSmaller: { of: "sides", sent: "original" } },
  "too-large": { limits: { ...STRICT.limits, animation: 1 } },
};

/** The strict edge and its Images binding. @param trouble how both fail */
function edgeOf(url: string, trouble: Fault | undefined) {
  const edge = createEdgeWith(MAKER, {
    ...{ zone: "images.example", sources: ["*.amazonaws.com", "s3.other.example"] },
    ...{ cache: false, unplayable: "left-out", trouble, now: () => state.clock },
    originalFormat: state.mood.fault % 2 ? "name" : "type",
    ...SWITCHES[moodOf(url).outcome],
    fetch: async (input, init = {}) => {
      const source = urlOf(input);
      if (!BUCKET.test(source)) return new Response(fileOf("image/png", "an overlay"));
      return (await askS3(source, init, true)).response;
    },
  });
  return withImages(edge, IMAGES_MAKER);
}

/** @throws if the connection is lost */
async function askEdge(url: string, init: RequestInit<RequestInitCfProperties>): Promise<Response> {
  const { outcome, trouble, failure } = moodOf(url);
  const isBroken = outcome === "broken" && failure === undefined;
  if (isBroken && state.mood.fault % 2 === 0) throw new TypeError("Network connection lost.");
  if (isBroken) return redirectAway();
  const response = await edgeOf(url, trouble).fetch(url, init as EdgeInit);
  state.mood = { ...state.mood, ...state.mood.meanwhile };
  return trouble ? response : edgeLieOf(response, init.cf?.image, outcome);
}

function edgeLieOf(
  right: Response,
  image: RequestInitCfPropertiesImage | undefined,
  outcome: (typeof OUTCOMES)[number],
): Response {
  const { mood } = state;
  const { twist, fault } = mood;
  if (outcome === "odd") {
    const { contentType, resized, etag, warning } = mood;
    const headers = changed(right.headers, { "content-length": "" });
    const own = { "content-type": contentType, "cf-resized": resized, etag, warning };
    for (const [name, value] of Object.entries(own)) headers.set(name, value);
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

const oddFacts = (side: unknown, other: unknown, format = "png") =>
  `{"width":${side},"height":9,"original":{"width":9,"height":${other},"format":"${format}"}}`;

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
const IMAGES_MAKER: BindingRenderer = {
  read: MAKER.read,
  async render([canvas], steps, output) {
    const { outcome } = moodOf(urlIn(canvas.bytes));
    const type = `image/${output.format}`;
    if (outcome === "off") return { type, bytes: canvas.bytes };
    const isSame = type === canvas.type || state.mood.fault % 2 === 0;
    if (outcome === "smaller" && isSame) return canvas;
    const request = `${hash("sha1", canvas.bytes)} ${JSON.stringify([steps, output])}`;
    const metadata = state.mood.s3 % 2 === 0 ? PLACE : ""; // B9, open
    return { type, bytes: renditionOf(type, request, metadata) };
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
    const { outcome, failure, trouble } = moodOf(url);
    const isDenied = failure?.code === 9408; // of S3 alone
    const edge = edgeOf(url, isDenied ? undefined : trouble);
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
