// The gateway: a visitor's request as a list of steps. Each step returns a value or a refusal. The gateway requests the
// image from the cached entrypoint, `Renditions`: renditions.ts has its steps.

import { WorkerEntrypoint } from "cloudflare:workers";
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
import { type RenditionKeys, refusedKey } from "./cache/rendition-url.ts";
import { currentConfig } from "./config/config.ts";
import { isRefusal, type Refusal } from "./http/refusal.ts";
import { cancelBody } from "./http/send.ts";
import { shouldLog } from "./log/flood.ts";
import { type LogFields, logRefusal } from "./log/log.ts";
import { record } from "./log/metrics.ts";
import { answerOperator } from "./operator.ts";
import { answerRendition, type NotModified, render } from "./renditions.ts";
import { acceptedFormatsOf, isNegotiated, parseAccept } from "./request/accept.ts";
import { checkCookie } from "./request/cookie.ts";
import { checkEmbedding } from "./request/embedding.ts";
import { checkRateLimit } from "./request/rate-limit.ts";
import {
  objectsOf,
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
import { fallbackAnswer, fallbackKeyOf, fallbackSeconds } from "./response/fallback.ts";

/** Behind Cloudflare's cache (W1): one rendition for all visitors. */
export class Renditions extends WorkerEntrypoint<object> {
  override fetch(request: Request): Promise<Response> {
    return answerRendition(request, this.env, this.ctx);
  }

  /** Purges renditions everywhere. Only the entrypoint itself can do so (W10). */
  async purge(options: PurgeOptions): Promise<PurgeResult> {
    const { cache } = this.ctx;
    return cache ? cache.purge(options) : { success: false, errors: [NO_CACHE] };
  }
}

export default {
  async fetch(request: Request, env: object, context: GatewayContext): Promise<Response> {
    const began = Date.now();
    const outcome = await serve(request, env, context, began);
    const { refusal, logFields, terms = {} } = outcome;
    const now = Date.now();
    const fullAnswer = refusal
      ? (outcome.answer ?? refusalAnswer(refusal, terms, now))
      : outcome.answer;
    const { status } = fullAnswer;
    if (refusal && shouldLog(env, refusal.event, status, now)) {
      logRefusal(refusal, logFields ?? {}, status);
    }
    const isHead = request.method === "HEAD";
    if (isHead) cancelBody(fullAnswer.body);
    const answer = isHead ? new Response(null, fullAnswer) : fullAnswer;
    record(env, answer, logFields, refusal?.event ?? (logFields && "shown"), began);
    return answer;
  },
} satisfies ExportedHandler<object>;

/** What a request leads to: an answer, or a refusal, which gets the plain answer if it has no other. */
type Outcome = {
  /** The log fields of a visitor's request. */
  readonly logFields?: LogFields;
  readonly terms?: Terms;
} & (
  | { readonly answer: Response; readonly refusal?: undefined }
  | { readonly answer?: Response | undefined; readonly refusal: Refusal }
);

/**
 * Checks what a visitor may have, and then shows it.
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
  if (isRefusal(config)) return { refusal: config };
  if (/image-resizing/i.test(headers.get("via") ?? "")) return { refusal: LOOP }; // E8
  const requestTarget = parseRequestTarget(url);
  const operator = await answerOperator(request, requestTarget.pathname, config, env, context);
  if (operator) return isRefusal(operator) ? { refusal: operator } : { answer: operator };

  const resolved = resolveRequest(config, requestTarget.pathname);
  const { route } = resolved;
  const allow = route?.origins ? "GET, HEAD, OPTIONS" : "GET, HEAD";
  if (!allow.split(", ").includes(method)) {
    return { refusal: { event: "method-not-allowed", method, allow } };
  }
  const cors = route && corsHeaders(headers, route);
  const foreign = route?.origins && checkEmbedding(headers, url, route.origins);
  if (foreign) return { refusal: foreign, logFields: { route: route.path }, terms: { cors } };
  if (cors && method === "OPTIONS")
    return { answer: preflight(allow, cors, route.signing?.cookie) };

  const logFields = logFieldsOf(resolved);
  if ("refusal" in resolved) return { refusal: resolved.refusal, logFields, terms: { cors } };
  const { facts, requestTarget: picture } = splitFacts(resolved.route, requestTarget);
  const signed = await checkGrant(resolved, picture, began);
  const granted = isRefusal(signed) ? await checkCookie(resolved, request, signed, began) : signed;
  if (isRefusal(granted)) return { refusal: granted, logFields, terms: { cors } };

  const terms = { cors, granted };
  const deadline = began + config.answers.timeout * 1000;
  const { limiter } = config;
  const limited =
    limiter && (await checkRateLimit(limiter, headers, resolved.route.path, deadline));
  if (limited) return { refusal: limited, logFields, terms };

  const condition = headers.get("if-none-match");
  const scope = { env, config, context, deadline, condition };
  return show(request, resolved, facts, terms, scope);
}

const LOOP = {
  event: "loop-detected",
  reason: "endpoint, or a transformation flow of the zone, leads here",
} as const satisfies Refusal;

/** Answers with the rendition or its facts, or with the fallback of its route. */
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
  const version = terms.granted?.version;
  const keys = objectsOf(resolved, { version, variant, formats, isStorable: route.store });

  const { result, cache, age } = await obtain(keys, scope);
  const took = Date.now() - began;
  const logFields = { ...logFieldsOf(resolved), cache };
  if (!isRefusal(result)) {
    const isOutage = result.stored === "outage";
    const maxAge = scope.config.answers.max_age;
    const options = { negotiated, maxAge, isOutage, cache, took };
    const answer = imageAnswer(result, scope.condition, options, terms, Date.now());
    return { answer, logFields: { ...logFields, format: result.type?.replace(/^\w+\//, "") } };
  }
  const { bucket, key } = refusedKey(keys, result);
  const refused = {
    refusal: result,
    logFields: { ...logFields, bucket: bucket.name, key },
    terms: { ...terms, age },
  };
  const fallbackKey = fallbackKeyOf(route, keys);
  const maxAge = fallbackKey && fallbackSeconds(result, refused.terms);
  if (!fallbackKey || !maxAge) return refused;
  const fallback = await obtain([fallbackKey], { ...scope, condition: null });
  const options = { negotiated, maxAge, cache: fallback.cache, took: Date.now() - began };
  const bucketName = fallbackKey.bucket.name;
  const { event, answer } = fallbackAnswer(refused, fallback.result, bucketName, options);
  return { ...refused, logFields: { ...refused.logFields, fallback: event }, answer };
}

type Obtained = Omit<CacheResult, "result"> & {
  readonly result: CacheResult["result"] | NotModified;
};

/**
 * Gets a rendition from the cached entrypoint. The gateway renders itself where the entrypoint cannot be used, or may
 * have failed itself (W13). If the gateway then succeeds, it renders everything for a while.
 */
async function obtain(keys: RenditionKeys, scope: GatewayScope): Promise<Obtained> {
  const cached = await fetchCached(keys, scope);
  if (cached && cached.loopbackFailure === undefined) return cached;
  const result = await render(keys, scope);
  const isStored = "stored" in result;
  if (cached?.loopbackFailure && !isStored && "body" in result) {
    reportUnusable(scope.env, cached.loopbackFailure, Date.now());
  }
  return { result, cache: isStored ? "stored" : "direct" };
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
