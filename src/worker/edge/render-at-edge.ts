// Has the edge make a rendition, or the facts of one, of an object that S3 has just given to the Worker.

import type { Bucket } from "../config/bucket.ts";
import { isRefusal, mayPass, type Refusal } from "../http/refusal.ts";
import { cancelBody, type Rendition } from "../http/send.ts";
import { sourceUrl } from "../origin/object-url.ts";
import type { OpenedObject } from "../origin/open-object.ts";
import { type SignedHeaders, sign } from "../origin/sigv4.ts";
import type { TransformRequest } from "../request/transform-request.ts";
import { pauseBefore } from "../util/time.ts";
import { askEdge, edgeOptions, factsOptions } from "./ask-edge.ts";
import { factsRendition, readEdgeFacts } from "./facts.ts";
import { contradictionIn, guard, readFailure } from "./guard.ts";
import { judge, typeOf } from "./judge.ts";
import { secondChance } from "./second-chance.ts";

/** The object that the edge is to fetch. */
type SignedSource = {
  readonly url: string;
  readonly headers: SignedHeaders;
  readonly object: OpenedObject;
};

/**
 * Asks the edge, once more if its failure may be over soon, and once more where another way of asking may succeed.
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
  if (mayPass(result) && (await pauseBefore(deadline))) {
    result = await render(source, request, deadline);
  }
  const nextRequest =
    isRefusal(result) && !isFacts && secondChance(request, result, object.body.head);
  return nextRequest ? render(source, nextRequest, deadline) : result;
}

async function renderPicture(
  { url, headers, object }: SignedSource,
  request: TransformRequest,
  deadline: number,
): Promise<Rendition | Refusal> {
  const reply = await askEdge(url, headers, edgeOptions(request), deadline);
  if (isRefusal(reply)) return reply;
  const passed = guard(reply, request, object);
  if (isRefusal(passed)) {
    cancelBody(reply.body);
    return passed;
  }
  const length = reply.headers.has("content-encoding") ? null : reply.headers.get("content-length");
  return { body: reply.body, type: passed.type, length: length ?? undefined };
}

/** The facts of the rendition that the same request makes (R9). */
async function renderFacts(
  { url, headers, object }: SignedSource,
  request: TransformRequest,
  deadline: number,
): Promise<Rendition | Refusal> {
  const reply = await askEdge(url, headers, factsOptions(request), deadline);
  if (isRefusal(reply)) return reply;
  if (judge(reply).result === "not-transformed") return readFailure(reply, request);
  const contradiction = contradictionIn(reply.headers, object);
  if (contradiction) return contradiction;
  const { status, text } = reply;
  const facts = readEdgeFacts(text, object.type, request.variant.image, request.focus);
  if (facts === "no-json") return { event: "wrong-type", status, type: typeOf(reply.headers) };
  if (facts) return factsRendition(facts);
  return { event: "edge-failed", status, reason: "the edge tells no size" };
}
