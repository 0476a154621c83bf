// The engine "cf": has the edge render an object that S3 has just given to the Worker, or describe its rendition. Always
// a GET, and never with a header of the visitor (E4).

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
import { sourceUrl } from "../origin/object-url.ts";
import type { OpenedObject } from "../origin/open-object.ts";
import { type SignedHeaders, sign } from "../origin/sigv4.ts";
import { withFocus } from "../request/focus.ts";
import { type Focus, mayBePng, type TransformRequest } from "../request/transform-request.ts";
import { pauseBefore } from "../util/time.ts";
import { factsRendition, readEdgeFacts } from "./facts.ts";
import { contradictionIn, guard, judge, namesOther, readFailure, typeOf } from "./guard.ts";
import { requestForRetry } from "./request-for-retry.ts";

/** The object that the edge is to fetch. */
type SignedSource = {
  readonly url: string;
  readonly headers: SignedHeaders;
  readonly object: OpenedObject;
};

/**
 * Asks the edge, once more if its failure may be over soon, and once more where another request may succeed.
 * @param deadline until when the headers of the last answer may take: ms since 1970
 */
export async function renderAtEdge(
  bucket: Bucket,
  key: string,
  object: OpenedObject,
  request: TransformRequest,
  isFacts: boolean,
  deadline: number,
): Promise<Rendition | Refusal> {
  if (!object.credential) throw new Error("the edge reads no R2 binding");
  const url = await sourceUrl(bucket, key, object.validator);
  const headers = await sign(url, bucket.region, object.credential.credentials, Date.now());
  const source = { url, headers, object };
  const render = isFacts ? renderFacts : renderPicture;

  let result = await render(source, request, deadline);
  if (canRetry(result) && (await pauseBefore(deadline))) {
    result = await render(source, request, deadline);
  }
  const nextRequest =
    isRefusal(result) && !isFacts && requestForRetry(request, result, object.body.head);
  return nextRequest ? render(source, nextRequest, deadline) : result;
}

async function renderPicture(
  source: SignedSource,
  request: TransformRequest,
  deadline: number,
): Promise<Rendition | Refusal> {
  const reply = await askEdge(source, edgeOptions(request), deadline);
  if (isRefusal(reply)) return reply;
  const passed = guard(reply, request, source.object);
  if (isRefusal(passed)) {
    cancelBody(reply.body);
    return passed;
  }
  const length = reply.headers.has("content-encoding") ? null : reply.headers.get("content-length");
  if (!reply.body || length === "0") return { event: "edge-failed", reason: "it sent no bytes" };
  const isOfOther = namesOther(reply.headers, source.object.etag);
  return { body: reply.body, type: passed.type, length: length ?? undefined, isOfOther };
}

/** The facts of the rendition that the same request makes (R9). */
async function renderFacts(
  source: SignedSource,
  request: TransformRequest,
  deadline: number,
): Promise<Rendition | Refusal> {
  const reply = await askEdge(source, factsOptions(request), deadline);
  if (isRefusal(reply)) return reply;
  if (judge(reply).result === "not-transformed") return readFailure(reply, request);
  const { object } = source;
  const contradiction = contradictionIn(reply.headers, object);
  if (contradiction) return contradiction;
  const { status, text } = reply;
  const facts = readEdgeFacts(text, object.type, request.variant.image, request.focus);
  if (facts === "no-json") return { event: "wrong-type", status, type: typeOf(reply.headers) };
  const isOfOther = namesOther(reply.headers, object.etag);
  if (facts) return { ...factsRendition(facts), isOfOther };
  return { event: "edge-failed", status, reason: "the edge tells no size" };
}

/**
 * Statuses that the edge must not cache (C4), the origin's or its own. Its cache key does not have the
 * credentials (C1): a cached denial of one slot would also deny the other. S3 has just given the object.
 */
const NOT_CACHED = { "400-404": -1, "500-599": -1 };

/** @param deadline when to stop waiting for the headers of the answer: ms since 1970 */
async function askEdge(
  { url, headers }: SignedSource,
  image: RequestInitCfPropertiesImage,
  deadline: number,
): Promise<Reply | Refusal> {
  const init = { headers, cf: { image, cacheTtlByStatus: NOT_CACHED } };
  const reply = await send(url, init, deadline, image.format === "json");
  return isUpstreamFailure(reply) ? refusalAfter(reply, "edge-failed") : reply;
}

/** The options of one call (O1–O12). */
export function edgeOptions(request: TransformRequest): RequestInitCfPropertiesImage {
  const { variant, format, isStill, focus } = request;
  const { quality, ...image } = imageOf(variant, focus);
  return {
    ...image,
    ...(quality !== undefined && !mayBePng(request) && { quality }), // O5
    anim: variant.image.anim && !isStill,
    ...(format && { format }),
    "origin-auth": "share-publicly", // E1
  };
}

/** The rendition's own options: they are billed once, whatever the format is (L2). */
export function factsOptions(request: TransformRequest): RequestInitCfPropertiesImage {
  return { ...edgeOptions(request), format: "json" };
}

/** The edge draws only URLs: a preset with an overlay by key is for the Images binding. */
export function imageOf(variant: Pick<Variant, "image">, focus?: Focus) {
  const { draw, ...image } = withFocus(variant.image, focus);
  if (!draw) return image;
  return {
    ...image,
    draw: draw.map(({ key: _key, url = "", ...overlay }) => ({ ...overlay, url })),
  };
}
