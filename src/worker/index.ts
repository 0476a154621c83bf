// The gateway: what happens to a visitor's request, step by step. None of its steps asks S3 or the edge: it decides who
// may have a picture, and takes the picture itself from the cached entrypoint, `Renditions` (renditions.ts has its steps).
// It runs for every request, so that no cache can answer in place of a check. The numbers of the steps are those of
// docs/how-it-works.md.

import { WorkerEntrypoint } from "cloudflare:workers";
import type { NamedRendition } from "./cache/cached-answer.ts";
import {
  type CacheResult,
  fetchCached,
  type GatewayContext,
  type GatewayScope,
  NO_CACHE,
  type PurgeOptions,
  type PurgeResult,
  reportUnusable,
} from "./cache/loopback.ts";
import {
  idAt,
  type RenditionId,
  type RenditionIds,
  renditionIdsOf,
} from "./cache/rendition-url.ts";
import { currentConfig } from "./config/config.ts";
import { isRefusal, type Refusal } from "./http/refusal.ts";
import { cancelBody } from "./http/send.ts";
import { shouldLog } from "./log/flood.ts";
import { type LogFields, logRefusal } from "./log/log.ts";
import { record } from "./log/metrics.ts";
import { answerOperator } from "./operator.ts";
import { answerRendition, render } from "./renditions.ts";
import { acceptedFormatsOf, isNegotiated, parseAccept } from "./request/accept.ts";
import { checkCookie } from "./request/cookie.ts";
import { checkEmbedding } from "./request/embedding.ts";
import { checkRateLimit } from "./request/rate-limit.ts";
import {
  parseRequestTarget,
  type ResolvedRequest,
  resolveRequest,
  splitFacts,
  type UnresolvedRequest,
} from "./request/resolve-request.ts";
import { checkGrant } from "./request/url-signature.ts";
import {
  corsHeaders,
  imageAnswer,
  preflight,
  refusalAnswer,
  type Terms,
} from "./response/answer.ts";
import { fallbackAnswer, fallbackIdOf, fallbackSeconds } from "./response/fallback.ts";

/** Behind Cloudflare's cache (W1): one rendition for all visitors. */
export class Renditions extends WorkerEntrypoint<object> {
  override fetch(request: Request): Promise<Response> {
    return answerRendition(request, this.env, this.ctx);
  }

  /** Purges renditions everywhere. Only the entrypoint itself can do so (W10). */
  async purge(options: PurgeOptions): Promise<PurgeResult> {
    const { cache } = this.ctx;
    if (cache === undefined) return { success: false, errors: [NO_CACHE] };
    return cache.purge(options);
  }
}

export default {
  async fetch(request: Request, env: object, context: GatewayContext): Promise<Response> {
    const began = Date.now();
    const outcome = await serve(request, env, context, began);

    const answer = outcome.kind === "answer" ? outcome.answer : answerRefused(outcome, env);
    const isHead = request.method === "HEAD";
    if (isHead) cancelBody(answer.body);
    const sent = isHead ? new Response(null, answer) : answer;

    const { logFields } = outcome;
    // What operators and browsers ask besides is no picture, and has no event.
    const pictureEvent = logFields && "shown";
    const event = outcome.kind === "answer" ? pictureEvent : outcome.refusal.event;
    record(env, sent, logFields, event, began);
    return sent;
  },
} satisfies ExportedHandler<object>;

/** What a request leads to. */
type Outcome = Answered | Refused;

type Answered = {
  readonly kind: "answer";
  readonly answer: Response;
  /** Of a visitor's request for a picture. */
  readonly logFields?: LogFields;
};

type Refused = {
  readonly kind: "refusal";
  readonly refusal: Refusal;
  readonly logFields: LogFields | undefined;
  readonly terms: Terms;
  /** The fallback of the route; undefined: the plain answer to the refusal. */
  readonly answer?: Response | undefined;
};

/** The answer to a refusal, which the log has, too. */
function answerRefused({ refusal, logFields = {}, terms, answer }: Refused, env: object): Response {
  const now = Date.now();
  const sent = answer ?? refusalAnswer(refusal, terms, now);
  if (shouldLog(env, refusal.event, sent.status, now)) {
    logRefusal(refusal, logFields, sent.status);
  }
  return sent;
}

function refuse(refusal: Refusal, logFields?: LogFields, terms: Terms = {}): Refused {
  return { kind: "refusal", refusal, logFields, terms };
}

/**
 * Decides what a visitor may have, and then shows it.
 * @param began when the request came: ms since 1970
 */
async function serve(
  request: Request,
  env: object,
  context: GatewayContext,
  began: number,
): Promise<Outcome> {
  const { method, headers, url } = request;
  const config = currentConfig(env);
  if (isRefusal(config)) return refuse(config);

  // The edge itself asks, which it says in `via` (E8). The Worker would ask the edge, and so on.
  if (/image-resizing/i.test(headers.get("via") ?? "")) return refuse(LOOP);

  // Operators and machines have paths of their own.
  const target = parseRequestTarget(url);
  const operator = await answerOperator(request, target.pathname, config, env, context);
  if (isRefusal(operator)) return refuse(operator);
  if (operator !== undefined) return { kind: "answer", answer: operator };

  // 1. Route. What else the path names is read, too, but its mistakes are reported in step 4: a page that may not embed
  // the route learns nothing of them.
  const resolved = resolveRequest(config, target.pathname);
  const { route } = resolved;

  // 2. Method. Only a route with `origins` has answers for the scripts of other pages.
  const allow = route?.origins ? "GET, HEAD, OPTIONS" : "GET, HEAD";
  if (!allow.split(", ").includes(method)) {
    return refuse({ event: "method-not-allowed", method, allow });
  }

  // 3. Embedding.
  const cors = route && corsHeaders(headers, route);
  const foreign = route?.origins && checkEmbedding(headers, url, route.origins);
  if (foreign) return refuse(foreign, { route: route.path }, { cors });
  if (cors && method === "OPTIONS") {
    return { kind: "answer", answer: preflight(allow, cors, route.signing?.cookie) };
  }

  // 4. Variant and key.
  const logFields = logFieldsOf(resolved);
  if (resolved.kind === "unresolved") return refuse(resolved.refusal, logFields, { cors });

  // 5. Signature of the URL, or else a cookie. It is for the URL of the picture, also where facts are asked for.
  const { facts, requestTarget: pictureTarget } = splitFacts(resolved.route, target);
  let granted = await checkGrant(resolved, pictureTarget, began);
  if (isRefusal(granted)) granted = await checkCookie(resolved, request, granted, began);
  if (isRefusal(granted)) return refuse(granted, logFields, { cors });

  // 6. Rate limit.
  const terms = { cors, granted };
  const deadline = began + config.answers.timeout * 1000;
  if (config.limiter) {
    const { path } = resolved.route;
    const limited = await checkRateLimit(config.limiter, headers, path, deadline);
    if (limited) return refuse(limited, logFields, terms);
  }

  // 7. Format, and then the picture itself.
  const condition = headers.get("if-none-match");
  const scope = { env, config, context, deadline, condition };
  return show(request, resolved, facts, terms, scope);
}

const LOOP = {
  event: "loop-detected",
  reason: "endpoint, or a transformation flow of the zone, leads here",
} as const satisfies Refusal;

/** Step 7: answers with the rendition or its facts, or with the fallback of its route. */
async function show(
  request: Request,
  resolved: ResolvedRequest,
  facts: boolean,
  terms: Terms,
  scope: GatewayScope,
): Promise<Outcome> {
  const { route, variant } = resolved;
  const began = Date.now();
  const readable = parseAccept(request.headers.get("accept"));
  const formats = facts ? "facts" : acceptedFormatsOf(variant, readable, route.svg);
  const negotiated = isNegotiated(formats);

  // Renditions does steps 8 to 14.
  const ids = renditionIdsOf(resolved, { version: terms.granted?.version, formats });
  const { result, cache, age } = await obtain(ids, scope);
  const took = Date.now() - began;
  const logFields = { ...logFieldsOf(resolved), cache };

  if (result.kind === "refusal") {
    const { bucket, key } = idAt(ids, result.objectIndex);
    const refusedFields = { ...logFields, bucket: bucket.name, key };
    const refused = refuse(result.refusal, refusedFields, { ...terms, age });
    const fallbackId = fallbackIdOf(route, ids);
    return fallbackId ? showFallback(refused, fallbackId, negotiated, began, scope) : refused;
  }

  // Of a picture that has not changed, the ETag alone is here.
  const image: Partial<NamedRendition> = result.kind === "rendition" ? result.rendition : result;
  const isOutage = image.stored === "outage";
  const maxAge = scope.config.answers.max_age;
  const options = { negotiated, maxAge, isOutage, cache, took };
  const answer = imageAnswer(image, scope.condition, options, terms, Date.now());

  const format = image.type?.replace(/^\w+\//, ""); // "avif" of "image/avif"
  return { kind: "answer", answer, logFields: { ...logFields, format } };
}

/**
 * Answers a refusal with the fallback of its route, if this refusal has one.
 * @param began when the picture was asked for: ms since 1970
 */
async function showFallback(
  refused: Refused,
  fallbackId: RenditionId,
  negotiated: boolean,
  began: number,
  scope: GatewayScope,
): Promise<Refused> {
  const maxAge = fallbackSeconds(refused.refusal);
  if (maxAge === undefined) return refused;

  // The visitor's condition is about the picture, not about its fallback.
  const { result, cache } = await obtain([fallbackId], { ...scope, condition: null });
  const took = Date.now() - began;

  const options = { negotiated, maxAge, cache, took };
  const bucketName = fallbackId.bucket.name;
  const outcome = fallbackAnswer(refused, result, bucketName, options);
  if (outcome.kind === "refused") {
    return { ...refused, logFields: { ...refused.logFields, fallback: outcome.event } };
  }

  const logFields: LogFields = { ...refused.logFields, fallback: "shown" };
  return { ...refused, logFields, answer: outcome.answer };
}

/**
 * Gets a rendition from the cached entrypoint. The gateway renders itself where the entrypoint cannot be used, or may
 * have failed itself (W13). If the gateway then succeeds, it renders everything for a while.
 */
async function obtain(
  ids: RenditionIds,
  scope: GatewayScope,
): Promise<Omit<CacheResult, "loopbackFailure">> {
  const cached = await fetchCached(ids, scope);
  const failure = cached?.loopbackFailure;
  if (cached && !failure) return cached;

  const result = await render(ids, scope);
  if (result.kind !== "rendition") return { result, cache: "direct" };
  if (result.rendition.stored) return { result, cache: "stored" };

  // The engine works here, so it was the entrypoint that failed.
  if (failure) reportUnusable(scope.env, failure, Date.now());
  return { result, cache: "direct" };
}

/** The log fields of a request, as far as the URL could be read. */
function logFieldsOf(resolved: ResolvedRequest | UnresolvedRequest): LogFields {
  const { route, variant } = resolved;
  if (!route || !variant) return { route: route?.path };

  return {
    route: route.path,
    preset: resolved.variantName,
    bucket: route.bucket.name,
    key: resolved.key,
  };
}
