// Step 12 of a request, "engine": the engine "cf" has the image edge, Cloudflare's image service, render an object that S3
// has just given to the Worker, or describe its rendition. The edge fetches the object itself, with the headers that are
// signed here. Each request is a GET, and has no header of the visitor: it is not known which of them the edge passes on
// (E4), and it caches its answers for all visitors alike.

import type { Bucket } from "../config/bucket.ts";
import type { Variant } from "../config/preset.ts";
import {
  canRetry,
  isRefusal,
  isUpstreamFailure,
  type Refusal,
  refusalAfter,
} from "../http/refusal.ts";
import { cancelBody, type Rendition, type Reply, send } from "../http/send.ts";
import { logNotice } from "../log/log.ts";
import { sourceUrl } from "../origin/object-url.ts";
import { HEADER_BYTES, type OpenedObject } from "../origin/opened-object.ts";
import { type SignedHeaders, sign } from "../origin/sigv4.ts";
import { type EngineImage, withFocus } from "../request/focus.ts";
import { type Focus, mayBePng, type TransformRequest } from "../request/transform-request.ts";
import { concatBytes, readUpTo } from "../util/bytes.ts";
import { countForLog, type LogCount, pauseBefore } from "../util/time.ts";
import { factsRendition, readEdgeFacts } from "./facts.ts";
import { checkSuccess, guard, mayBeOfOtherObject, typeOf, unknownResult } from "./guard.ts";
import { type Attempt, nextRequest, type Outcome } from "./ladder.ts";

/** The object that the edge is to fetch, and the request to S3 by which it does so. */
type SignedSource = {
  readonly bucket: Bucket;
  readonly url: string;
  readonly headers: SignedHeaders;
  readonly object: OpenedObject;
};

/** How often the edge is asked for one rendition, at most. */
const MAX_REQUESTS = 3;

/** How much time is left for the answer if a picture is there, and a better one is tried: ms. */
const RESERVE_MS = 1_000;

/** How much of one rendition is read, at most, before it is answered: many visitors share the memory. Bytes. */
const MAX_READ_BYTES = 8 * 1024 * 1024;

/**
 * Asks the edge for a rendition, three times at most. The ladder (ladder.ts) chooses the next request, such as another
 * format or a lower quality. A picture that may be shown is never given up for another request that fails, or comes too
 * late: the smallest so far is the result.
 * @param key with the bucket's prefix
 * @param isFacts whether to ask for the facts of the rendition, in place of its bytes
 * @param deadline until when the headers of the last answer may take: ms since 1970
 */
export async function renderAtEdge(
  bucket: Bucket,
  key: string,
  object: OpenedObject,
  firstRequest: TransformRequest,
  isFacts: boolean,
  deadline: number,
): Promise<Rendition | Refusal> {
  // The request to S3 that the edge is to send is signed with the credential that has just opened the object.
  const { credential, validator } = object;
  if (!credential) throw new Error("the edge reads no R2 binding");
  const url = await sourceUrl(bucket, key, validator);
  const headers = await sign(url, bucket.region, credential.credentials, Date.now());
  const source = { bucket, url, headers, object };
  if (isFacts) return renderFactsOrRetry(source, firstRequest, deadline);

  const attempts: Attempt[] = [];
  let smallest: HeavyRendition | undefined;
  let request: TransformRequest | undefined = firstRequest;
  let refusal: Refusal = NOT_ASKED;

  while (request) {
    const attemptDeadline = smallest ? deadline - RESERVE_MS : deadline;
    const hasPicture = smallest !== undefined;
    const outcome = await attempt(source, request, attemptDeadline, hasPicture);
    switch (outcome.kind) {
      case "light":
        if (smallest) cancelBody(smallest.rendition.body);
        return outcome.rendition;

      case "heavy":
        smallest = keepSmaller(smallest, outcome);
        break;

      case "refused":
        refusal = outcome.refusal;
        break;
    }

    attempts.push({ request, outcome });
    request = nextRequest(attempts, MAX_REQUESTS);

    // The same request again: the edge or S3 may be over its failure in a moment.
    const isRepeated = request === attempts.at(-1)?.request;
    if (isRepeated && !(await pauseBefore(deadline))) break;
  }

  return smallest?.rendition ?? refusal;
}

/** The refusal before the first request. The loop sends at least one, so this is never the result. */
const NOT_ASKED: Refusal = { event: "edge-failed", reason: "the edge was not asked" };

/** A rendition that may be shown, but has more bytes than it should have. */
type HeavyRendition = Extract<Outcome, { kind: "heavy" }> & { readonly rendition: Rendition };

type AttemptResult =
  /** A rendition that may be shown, and has no more bytes than it should have. */
  | { readonly kind: "light"; readonly rendition: Rendition }
  | HeavyRendition
  | Extract<Outcome, { kind: "refused" }>;

/**
 * Asks the edge for a picture once, and weighs what comes.
 * @param hasPicture whether a picture is there already, which a light one replaces
 */
async function attempt(
  source: SignedSource,
  request: TransformRequest,
  deadline: number,
  hasPicture: boolean,
): Promise<AttemptResult> {
  const rendition = await renderPicture(source, request, deadline);
  if (isRefusal(rendition)) return { kind: "refused", refusal: rendition };

  const { maxBytes = Infinity } = request;
  const { type, body, length } = rendition;
  const byteLength = length === undefined ? undefined : Number(length);
  if (byteLength !== undefined && byteLength > maxBytes) {
    return { kind: "heavy", rendition, type, length: byteLength };
  }
  if (byteLength !== undefined && !hasPicture) return { kind: "light", rendition };

  // Nobody said how long it is, or it might break off although a whole picture is there. It is read up to the limit, and
  // no further. Without a limit, its first bytes show that there is a picture.
  const isUnlimited = maxBytes === Infinity;
  const limit = isUnlimited ? 0 : Math.min(maxBytes, MAX_READ_BYTES);
  const reading = await readUpTo(body, limit, deadline);
  switch (reading.kind) {
    case "whole": {
      const { bytes } = reading;
      if (bytes.length === 0) return { kind: "refused", refusal: NO_BYTES };
      if (byteLength !== undefined && byteLength !== bytes.length) {
        return { kind: "refused", refusal: BROKEN_OFF };
      }

      const whole = { ...rendition, body: new Response(bytes).body, length: `${bytes.length}` };
      return { kind: "light", rendition: whole };
    }
    case "longer":
    case "late": {
      const longer = { ...rendition, body: reading.body };

      // It is longer than what is read here for the sake of the memory, but perhaps not longer than it may be.
      const isLight = isUnlimited || (reading.kind === "longer" && limit < maxBytes);
      if (isLight) return { kind: "light", rendition: longer };
      return { kind: "heavy", rendition: longer, type, length: undefined };
    }
    case "broken":
      return { kind: "refused", refusal: BROKEN_OFF };
  }
}

const NO_BYTES: Refusal = { event: "edge-failed", reason: "it sent no bytes" };

const BROKEN_OFF: Refusal = {
  event: "edge-failed",
  reason: "the rendition broke off",
  isTransient: true,
};

/** Keeps one of two heavy renditions, and cancels the other one. One of an unknown length counts as the longer one. */
function keepSmaller(smallest: HeavyRendition | undefined, other: HeavyRendition): HeavyRendition {
  if (!smallest) return other;

  const isSmaller = (other.length ?? Infinity) < (smallest.length ?? Infinity);
  const dropped = isSmaller ? smallest : other;
  cancelBody(dropped.rendition.body);
  return isSmaller ? other : smallest;
}

/** Asks for facts, once more if the failure may be over soon. Another request would make another rendition. */
async function renderFactsOrRetry(
  source: SignedSource,
  request: TransformRequest,
  deadline: number,
): Promise<Rendition | Refusal> {
  const facts = await renderFacts(source, request, deadline);
  if (!canRetry(facts)) return facts;

  const hasTime = await pauseBefore(deadline);
  return hasTime ? renderFacts(source, request, deadline) : facts;
}

/** Asks the edge for a picture once, and lets it pass, or refuses it. */
async function renderPicture(
  source: SignedSource,
  request: TransformRequest,
  deadline: number,
): Promise<Rendition | Refusal> {
  const reply = await askEdge(source, edgeOptions(request), deadline);
  if (isRefusal(reply)) return reply;

  const beginning = await readBeginning(reply, deadline);
  if (isRefusal(beginning)) return beginning;

  // Either the type of the bytes, which may be shown, or a refusal.
  const { body, firstBytes } = beginning;
  const guarded = guard(reply, request, source.object, firstBytes);
  if (isRefusal(guarded)) {
    cancelBody(body);
    return guarded;
  }

  const resized = unknownResult(reply);
  if (resized !== undefined) reportUnknownResult(source.bucket, resized);

  const { headers } = reply;
  const length = readLength(headers);
  if (!body || length === "0") return NO_BYTES;

  const isUnnamed = mayBeOfOtherObject(headers, source.object);
  return { body, type: guarded.type, length, mayBeOfOtherObject: isUnnamed, resized };
}

type Beginning = Pick<Reply, "body"> & { readonly firstBytes: Uint8Array | undefined };

/**
 * Reads the first bytes of an answer if they have to prove that the edge has made them. The body still has all of them.
 * @returns `firstBytes` is undefined if the edge says so itself, without a warning
 */
async function readBeginning(reply: Reply, deadline: number): Promise<Beginning | Refusal> {
  const { body, headers } = reply;
  const isProven = unknownResult(reply) === undefined && !headers.has("warning");
  if (isProven) return { body, firstBytes: undefined };

  const reading = await readUpTo(body, HEADER_BYTES, deadline);
  switch (reading.kind) {
    case "whole":
      return { body: new Response(reading.bytes).body, firstBytes: reading.bytes };
    case "longer":
      return { body: reading.body, firstBytes: concatBytes(reading.chunks) };
    case "late":
      cancelBody(reading.body);
      return { event: "timed-out", reason: "no rendition in time" };
    case "broken":
      return BROKEN_OFF;
  }
}

const resultCounts = new WeakMap<Bucket, LogCount>();

/** Logs once a minute that `cf-resized` says something new, while pictures pass by what their bytes prove. */
function reportUnknownResult(bucket: Bucket, resized: string): void {
  const { times, shouldLog, logCount } = countForLog(resultCounts.get(bucket), Date.now());
  resultCounts.set(bucket, logCount);
  if (!shouldLog) return;

  const reason = "cf-resized is not known, and the bytes themselves prove that the edge made them";
  logNotice({ event: "unknown-proof", bucket: bucket.name, resized, reason, times });
}

/** Returns how long a body is, as content-length says. @returns undefined if nobody knows */
function readLength(headers: Headers): string | undefined {
  // The runtime decodes a body. Then its length is not that of content-length.
  if (headers.has("content-encoding")) return undefined;

  const length = headers.get("content-length") ?? "";
  return /^\d+$/.test(length) ? length : undefined;
}

/** Asks the edge for the facts of the rendition that the same request makes (R9), and writes them as Vitrine's JSON. */
async function renderFacts(
  source: SignedSource,
  request: TransformRequest,
  deadline: number,
): Promise<Rendition | Refusal> {
  const { object } = source;
  const reply = await askEdge(source, factsOptions(request), deadline);
  if (isRefusal(reply)) return reply;

  const { status, headers, text } = reply;
  const result = readEdgeFacts(text, object.type, request.image, request.focus);

  // The first two checks of the guard: the edge has succeeded, and with the object that S3 has. The other checks are
  // about the bytes of an image. Facts hold no byte of the original, so they prove themselves.
  const resized = unknownResult(reply);
  const refusal = checkSuccess(reply, request, object, result.kind === "facts");
  if (refusal) return refusal;
  if (resized !== undefined) reportUnknownResult(source.bucket, resized);

  switch (result.kind) {
    case "no-json":
      return { event: "wrong-type", status, type: typeOf(headers) };
    case "no-size":
      return { event: "edge-failed", status, reason: "the edge tells no size" };
    case "facts": {
      const rendition = factsRendition(JSON.stringify(result.facts));
      return { ...rendition, mayBeOfOtherObject: mayBeOfOtherObject(headers, object) };
    }
  }
}

/**
 * Statuses that the edge must not cache: -1 says so (C4). Its cache key does not have the credentials (C1), so a denial
 * of one key pair would also deny the other one. And S3 has just given the object: an error soon is out of date.
 */
const NOT_CACHED = { "400-404": -1, "500-599": -1 };

/** @param deadline when to stop waiting for the headers of the answer: ms since 1970 */
async function askEdge(
  source: SignedSource,
  image: RequestInitCfPropertiesImage,
  deadline: number,
): Promise<Reply | Refusal> {
  const init = { headers: source.headers, cf: { image, cacheTtlByStatus: NOT_CACHED } };
  const isText = image.format === "json";
  const reply = await send(source.url, init, deadline, isText);

  // No answer at all. Whether an answer is a success, the callers find out.
  if (isUpstreamFailure(reply)) return refusalAfter(reply, "edge-failed");
  return reply;
}

/** Returns the options of one request (O1–O12). */
export function edgeOptions(request: TransformRequest): RequestInitCfPropertiesImage {
  const { image: requestedImage, format, isStill, focus } = request;
  const { quality, ...image } = imageOf(requestedImage, focus);

  // A PNG with an explicit quality gets a palette, and loses colours (O5).
  const hasQuality = quality !== undefined && !mayBePng(request);
  return {
    ...image,
    ...(hasQuality && { quality }),
    anim: image.anim && !isStill,
    ...(format && { format }),
    "origin-auth": "share-publicly", // passes the signed headers on to S3 (E1)
  };
}

/** Returns the options of a request for facts: those of the picture, as the same options are billed once (L2). */
export function factsOptions(request: TransformRequest): RequestInitCfPropertiesImage {
  return { ...edgeOptions(request), format: "json" };
}

/** Returns the options of a picture that are the same for each of its formats. */
export function imageOf(options: Variant["image"], focus?: Focus) {
  const { draw, ...image } = withFocus(options, focus);
  if (!draw) return image;

  return { ...image, draw: draw.map(overlayByUrl) };
}

type Overlay = NonNullable<EngineImage["draw"]>[number];

/** The edge draws overlays by URL alone. Each has one: for this engine, the configuration refuses overlays by key. */
function overlayByUrl({ key: _key, url = "", ...options }: Overlay) {
  return { ...options, url };
}
