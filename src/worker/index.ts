// The gateway: what happens to a visitor's request, step by step. It decides who may have a picture, and takes the picture
// itself from the cached entrypoint, `Renditions` (renditions.ts has its steps). None of the gateway's steps asks S3 or the
// edge. They run for every request, so that no cache can answer in place of a check. The numbers of the steps are those
// of docs/how-it-works.md. Codes such as W1 are rules of docs/rules.md.

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
  reportUncachedRender,
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
import { answerBrokenHealth, answerOperator } from "./operator.ts";
import { isForOriginal } from "./origin/object-url.ts";
import { consumeEvents } from "./purge/consume.ts";
import { answerRendition, render } from "./renditions.ts";
import { acceptedFormatsOf, isNegotiated, parseAccept } from "./request/accept.ts";
import { checkToken } from "./request/check-token.ts";
import { checkCookie } from "./request/cookie.ts";
import {
  allowedHeaders,
  checkEmbedding,
  isReadableByPages,
  routeHeaders as routeHeadersOf,
} from "./request/embedding.ts";
import { isFromOperator } from "./request/operator-token.ts";
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
  addEvent,
  browserPolicy,
  imageAnswer,
  preflight,
  refusalAnswer,
  type Terms,
} from "./response/answer.ts";
import { fallbackAnswer, fallbackIdOf, fallbackSeconds } from "./response/fallback.ts";

/** The cached entrypoint, behind Workers Cache (W1): one rendition for all visitors. */
export class Renditions extends WorkerEntrypoint<object> {
  override fetch(request: Request): Promise<Response> {
    return answerRendition(request, this.env, this.ctx);
  }

  /** Purges renditions everywhere. Only the entrypoint itself can do so (W10). */
  async purge(options: PurgeOptions): Promise<PurgeResult> {
    const { cache } = this.ctx;
    if (!cache) return { success: false, errors: [NO_CACHE] };
    return cache.purge(options);
  }
}

export default {
  async fetch(request: Request, env: object, context: GatewayContext): Promise<Response> {
    const began = Date.now();
    const outcome = await serve(request, env, context, began);

    let answer: Response;
    if (outcome.kind === "refusal") answer = await answerRefused(outcome, request, env);
    else answer = outcome.answer;

    if (request.method === "HEAD") {
      cancelBody(answer.body);
      answer = new Response(null, answer);
    }

    // A data point for the metrics. It does not touch the body, and nothing waits for it.
    const event = outcome.kind === "refusal" ? outcome.refusal.event : outcome.event;
    record(env, answer, outcome.logFields, event, began);
    return answer;
  },

  /** Events of the buckets, which a queue delivers (Q1). */
  queue(batch: MessageBatch, env: object, context: GatewayContext): Promise<void> {
    return consumeEvents(batch, env, context);
  },
} satisfies ExportedHandler<object>;

/** What a request leads to. */
type Outcome = Answered | Refused;

type Answered = {
  readonly kind: "answer";
  readonly answer: Response;
  /** For the metrics, which count only pictures. Undefined for an answer to an operator, or to a preflight of a browser. */
  readonly event?: "shown";
  readonly logFields?: LogFields;
};

type Refused = {
  readonly kind: "refusal";
  readonly refusal: Refusal;
  readonly logFields: LogFields | undefined;
  /** What else decides the headers of the answer: those of the route, and what the visitor was granted. */
  readonly terms: Terms;
  /** The fallback of the route. Undefined: the refusal gets its plain answer. */
  readonly fallback?: Response;
};

function refuse(refusal: Refusal, logFields?: LogFields, terms: Terms = {}): Refused {
  return { kind: "refusal", refusal, logFields, terms };
}

/** Returns the answer to a refused request, and logs the refusal. */
async function answerRefused(
  refused: Refused,
  { headers }: Request,
  env: object,
): Promise<Response> {
  const { refusal, logFields, terms, fallback } = refused;
  const now = Date.now();
  const answer = fallback ?? refusalAnswer(refusal, terms, now);

  const { status } = answer;
  const isLogged = shouldLog(env, refusal.event, status, now);
  if (isLogged) logRefusal(refusal, logFields ?? {}, status);

  // All 404s are alike for visitors. Only an operator sees the event.
  const isOperator = await isFromOperator(headers, env);
  if (isOperator) addEvent(answer, refusal);
  return answer;
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
  const target = parseRequestTarget(url);
  const config = currentConfig(env);
  if (isRefusal(config)) {
    const report = await answerBrokenHealth(request, target.pathname, config, env);
    return report ? { kind: "answer", answer: report } : refuse(config);
  }

  // 1. Route. Some headers are on every answer of the route. The variant and the key in the path are read here, too. Their
  // mistakes are answered in step 4, after step 3, because a page that may not embed the route's images must not learn of them.
  const resolved = resolveRequest(config, target.pathname);
  const { route } = resolved;
  const routeHeaders = route && routeHeadersOf(headers, route);

  // This request comes from the edge (Cloudflare's image service), which looks for an original: by mistake, `endpoint` or an
  // overlay leads to this Worker (E8). To answer, the Worker would ask the edge again, without end.
  if (isForOriginal(request)) return refuse(LOOP, undefined, { routeHeaders });

  // Operators have paths of their own, such as /healthz, and so has AWS, which reads the Worker's public keys. Any other path is a
  // visitor's.
  const operatorAnswer = await answerOperator(request, target.pathname, config, env, context);
  if (isRefusal(operatorAnswer)) return refuse(operatorAnswer);
  if (operatorAnswer) return { kind: "answer", answer: operatorAnswer };

  // 2. Method. Where scripts of other pages may read an image, their browsers may ask by OPTIONS first.
  const isReadable = route !== undefined && isReadableByPages(route);
  const allow = isReadable ? "GET, HEAD, OPTIONS" : "GET, HEAD";
  if (!allow.split(", ").includes(method)) {
    return refuse({ event: "method-not-allowed", method, allow }, undefined, { routeHeaders });
  }

  // 3. Embedding. Only a route with `origins` refuses pages. `foreignPage` is such a refusal.
  if (route?.origins) {
    const foreignPage = await checkEmbedding(headers, url, route.origins);
    if (foreignPage) return refuse(foreignPage, { route: route.path }, { routeHeaders });
  }

  // A route whose images no script may read has refused OPTIONS in step 2.
  if (routeHeaders && method === "OPTIONS") {
    return { kind: "answer", answer: preflight(allow, routeHeaders, allowedHeaders(route)) };
  }

  // 4. Variant and key.
  const logFields = logFieldsOf(resolved);
  if (resolved.kind === "unresolved") {
    const needsToken = route?.tokenRules !== undefined;
    return refuse(resolved.refusal, logFields, { routeHeaders, needsToken });
  }

  // 5. Access. A route needs one of these, or none: then nothing is checked, and nothing is granted.
  // - The signature of the URL; or a cookie that opens a folder, if the URL alone is refused.
  // - The token of a login.
  // Facts (the sizes of a picture, as JSON) have the URL of the picture and `facts` behind it. What was signed is the URL of the
  // picture, `pictureTarget`.
  const { facts: wantsFacts, requestTarget: pictureTarget } = splitFacts(resolved.route, target);
  const bySignature = await checkGrant(resolved, pictureTarget, began);
  let granted = bySignature;
  if (isRefusal(bySignature)) granted = await checkCookie(resolved, request, bySignature, began);

  const deadline = began + config.answers.timeout * 1000;
  if (resolved.route.tokenRules) {
    granted = await checkToken(resolved, request, { context, deadline, config }, began);
  }
  if (isRefusal(granted)) return refuse(granted, logFields, { routeHeaders });

  // 6. Rate limit.
  const terms = { routeHeaders, granted };
  if (config.limiter) {
    const { path } = resolved.route;
    const limited = await checkRateLimit(config.limiter, headers, path, deadline);
    if (limited) return refuse(limited, logFields, terms);
  }

  const condition = headers.get("if-none-match");
  const scope = { env, config, context, deadline, condition };
  return show(request, resolved, wantsFacts, terms, scope);
}

/**
 * This Worker is called by the edge. Either the option `endpoint` of a bucket leads here, or an overlay does: the edge sends the
 * signature of the picture to the overlay's host, too (O12).
 */
const LOOP = {
  event: "loop-detected",
  reason: "endpoint or an overlay leads here",
} as const satisfies Refusal;

/** Step 7, and then the picture itself: answers with the rendition or its facts, or with the fallback of its route. */
async function show(
  request: Request,
  resolved: ResolvedRequest,
  wantsFacts: boolean,
  accessTerms: Terms,
  scope: GatewayScope,
): Promise<Outcome> {
  const { route, variant } = resolved;
  const began = Date.now();

  // 7. Format.
  const browserFormats = parseAccept(request.headers.get("accept"));
  const formats = wantsFacts ? "facts" : acceptedFormatsOf(variant, browserFormats, route.svg);
  const terms = { ...accessTerms, negotiated: isNegotiated(formats) };

  // 8 to 14. `Renditions` does them.
  const ids = renditionIdsOf(resolved, { version: terms.granted?.version, formats });
  const { result, cache, age } = await obtain(ids, scope);
  const took = Date.now() - began;
  const logFields = { ...logFieldsOf(resolved), cache };

  if (result.kind === "refusal") {
    const { bucket, key } = idAt(ids, result.objectIndex);
    const refusedFields = { ...logFields, bucket: bucket.name, key };
    const refused = refuse(result.refusal, refusedFields, { ...terms, age });

    const fallbackId = fallbackIdOf(route, ids);
    if (!fallbackId) return refused;
    return showFallback(refused, fallbackId, began, scope);
  }

  // "not-modified" comes only where the gateway has rendered by itself: the visitor's own copy is the current one. The result has
  // only its ETag, of which imageAnswer makes a 304.
  const isNotModified = result.kind === "not-modified";
  const image: Partial<NamedRendition> = isNotModified ? { etag: result.etag } : result.rendition;
  const { max_age: generalMaxAge } = scope.config.answers;
  const policy = browserPolicy(image, cache, route.policy, generalMaxAge);
  const options = { ...policy, cache, took };
  const answer = imageAnswer(image, scope.condition, options, terms, Date.now());

  const format = image.type?.replace(/^\w+\//, ""); // "avif" of "image/avif"
  return { kind: "answer", answer, event: "shown", logFields: { ...logFields, format } };
}

/**
 * Answers a refusal with the fallback of its route, if the status of the refusal allows one.
 * @param began when the picture was asked for: ms since 1970
 */
async function showFallback(
  refused: Refused,
  fallbackId: RenditionId,
  began: number,
  scope: GatewayScope,
): Promise<Refused> {
  const maxAge = fallbackSeconds(refused.refusal);
  if (maxAge === undefined) return refused;

  // The visitor's condition is about the picture, not about its fallback.
  const { result, cache } = await obtain([fallbackId], { ...scope, condition: null });
  const took = Date.now() - began;

  const options = { maxAge, cache, took };
  const bucketName = fallbackId.bucket.name;
  const outcome = fallbackAnswer(refused, result, bucketName, options);
  if (outcome.kind === "refused") {
    // The fallback itself cannot be shown. Its event is only for the log.
    return { ...refused, logFields: { ...refused.logFields, fallback: outcome.event } };
  }

  const logFields: LogFields = { ...refused.logFields, fallback: "shown" };
  return { ...refused, logFields, fallback: outcome.answer };
}

/** Gets a rendition from the cached entrypoint; or, if that cannot give one, renders here, for this request alone. */
async function obtain(ids: RenditionIds, scope: GatewayScope): Promise<CacheResult> {
  const cached = await fetchCached(ids, scope);
  if (cached?.result) return cached;

  const result = await render(ids, scope);
  if (result.kind !== "rendition") return { result, cache: "direct" };
  if (result.rendition.stored) return { result, cache: "stored" };

  // So this rendition was rendered here, though `Renditions` could not give one. That is reported. A refusal or a stored rendition
  // does not show that the engine works here, so neither of them is.
  reportUncachedRender(scope.env, cached);
  return { result, cache: "direct" };
}

/** Returns the log fields of a request, as far as its URL could be read. */
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
