// The gateway: the whole story of a visitor's request, as a list of steps. Each step returns a value or a
// refusal. It asks the cached entrypoint, `Renditions`, for the image: renditions.ts has the story of that.

import { WorkerEntrypoint } from "cloudflare:workers";
import { answerIssuer } from "./answer-issuer.ts";
import { answerPurge } from "./answer-purge.ts";
import {
  type GatewayContext,
  NO_CACHE,
  type PurgeOptions,
  type PurgeResult,
} from "./cache/loopback.ts";
import { type RenditionKey, type RenditionKeys, refusedKey } from "./cache/rendition-url.ts";
import { currentConfig } from "./config/config.ts";
import { answerHealth } from "./health.ts";
import { isRefusal, type Refusal } from "./http/refusal.ts";
import { cancelBody } from "./http/send.ts";
import { shouldLog } from "./log/flood.ts";
import { logRefusal, type Subject } from "./log/log.ts";
import { record } from "./metrics.ts";
import { type GatewayScope, obtain } from "./obtain.ts";
import { answerRendition } from "./renditions.ts";
import { checkCookie } from "./request/cookie.ts";
import { checkEmbedding } from "./request/embedding.ts";
import { acceptedFormatsOf, isNegotiated, parseAccept } from "./request/format.ts";
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
import { fallbackAnswer, fallbackSeconds } from "./response/fallback.ts";

/** Behind Cloudflare's cache (W1): one rendition for all visitors. */
export class Renditions extends WorkerEntrypoint<object> {
  override fetch(request: Request): Promise<Response> {
    return answerRendition(request, this.env, this.ctx);
  }

  /** Drops renditions everywhere. Only the entrypoint itself can do so (W10). */
  async purge(options: PurgeOptions): Promise<PurgeResult> {
    const { cache } = this.ctx;
    return cache ? cache.purge(options) : { success: false, errors: [NO_CACHE] };
  }
}

export default {
  async fetch(request: Request, env: object, context: GatewayContext): Promise<Response> {
    const began = Date.now();
    const outcome = await serve(request, env, context, began);
    const whole = "answer" in outcome ? outcome.answer : refuse(outcome, env);
    const isHead = request.method === "HEAD";
    if (isHead) cancelBody(whole.body);
    const answer = isHead ? new Response(null, whole) : whole;

    const event = "refusal" in outcome ? outcome.refusal.event : outcome.subject && "shown";
    record(env, answer, outcome.subject, event, began);
    return answer;
  },
} satisfies ExportedHandler<object>;

/** A request that gets what it asked for: an image or its facts, if it has a subject. */
type Served = { readonly answer: Response; readonly subject?: Subject };

/** A request that gets no image of its own. */
type Refused = {
  readonly refusal: Refusal;
  /** What the log has of the request. */
  readonly subject?: Subject;
  readonly terms?: Terms;
  /** The fallback image, in place of the plain answer. */
  readonly instead?: Response | undefined;
};

/**
 * Answers operators and machines. Else checks whether the visitor may have the picture, and then shows it.
 * @param began when the request came: ms since 1970
 */
async function serve(
  request: Request,
  env: object,
  context: GatewayContext,
  began: number,
): Promise<Served | Refused> {
  const config = currentConfig(env);
  if (isRefusal(config)) return { refusal: config };

  const { method, headers, url } = request;
  if (/image-resizing/i.test(headers.get("via") ?? "")) return { refusal: LOOP }; // E8
  const target = parseRequestTarget(url);
  const { pathname } = target;
  const answering =
    pathname === "/healthz"
      ? answerHealth(request, config, env, context)
      : pathname === "/purge"
        ? answerPurge(request, config, context)
        : pathname.startsWith("/.well-known/") && answerIssuer(request, pathname, config);
  const answered = answering && (await answering);
  if (answered) return isRefusal(answered) ? { refusal: answered } : { answer: answered };

  const resolved = resolveRequest(config, pathname);
  const { route } = resolved;
  const allowed = route?.origins ? WITH_PREFLIGHT : METHODS;
  if (!allowed.includes(method)) {
    return { refusal: { event: "method-not-allowed", method, allow: allowed.join(", ") } };
  }
  const withCredentials = route?.signing?.cookie === true;
  const cors = route?.origins && corsHeaders(headers, route.origins, withCredentials);
  if (route?.origins && cors) {
    const foreign = checkEmbedding(headers, url, route.origins);
    if (foreign) return { refusal: foreign, subject: { route: route.path }, terms: { cors } };
    if (method === "OPTIONS")
      return { answer: preflight(allowed.join(", "), cors, withCredentials) };
  }
  const subject = subjectOf(resolved);
  if ("refusal" in resolved) return { refusal: resolved.refusal, subject, terms: { cors } };

  const { facts, target: picture } = splitFacts(resolved.route, target);
  const signed = resolved.route.signing && (await checkGrant(resolved, picture, began));
  const granted = isRefusal(signed) ? await checkCookie(resolved, request, signed, began) : signed;
  if (isRefusal(granted)) return { refusal: granted, subject, terms: { cors } };
  const terms = { cors, granted };
  const deadline = began + config.answers.timeout * 1000;
  const { limiter } = config;
  const limited =
    limiter && (await checkRateLimit(limiter, headers, resolved.route.path, deadline));
  if (limited) return { refusal: limited, subject, terms };
  const condition = headers.get("if-none-match");
  const scope = { env, config, context, deadline, condition };
  return show(request, resolved, facts, terms, scope);
}

const METHODS = ["GET", "HEAD"];
const WITH_PREFLIGHT = [...METHODS, "OPTIONS"];

/** Gets the rendition or its facts, and answers with it, or with the fallback of its route. */
async function show(
  request: Request,
  resolved: ResolvedRequest,
  facts: boolean,
  terms: Terms,
  scope: GatewayScope,
): Promise<Served | Refused> {
  const { route, variant } = resolved;
  const began = Date.now();
  const readable = parseAccept(request.headers.get("accept"));
  const formats = facts ? "facts" : acceptedFormatsOf(variant, readable, route.svg);
  const negotiated = isNegotiated(formats);
  const version = terms.granted?.version;
  const keys = objectsOf(resolved, { version, variant, formats, isStorable: route.store });

  const { result, cache, age } = await obtain(keys, scope);
  const subject = { ...subjectOf(resolved), cache };
  const took = Date.now() - began;
  if (isRefusal(result)) {
    const { bucket, key } = refusedKey(keys, result);
    const failed = { ...subject, bucket: bucket.name, key };
    const refused = { ...terms, age };
    const other = fallbackOf(resolved, keys);
    const seconds = other && fallbackSeconds(result, refused);
    if (!other || !seconds) return { refusal: result, subject: failed, terms: refused };
    const fallback = await obtain([other], { ...scope, condition: null });
    const shown = { maxAge: seconds, negotiated, cache: fallback.cache, took: Date.now() - began };
    const outcome = fallbackAnswer(result, fallback.result, other.bucket.name, shown, refused);
    const logged = { ...failed, fallback: outcome.event };
    return { refusal: result, subject: logged, terms: refused, instead: outcome.answer };
  }
  const isOutage = result.stored === "outage";
  const shown = { negotiated, maxAge: scope.config.answers.max_age, isOutage, cache, took };
  const answer = imageAnswer(result, scope.condition, shown, terms, Date.now());
  return { answer, subject: { ...subject, format: result.type?.replace(/^\w+\//, "") } };
}

/** The fallback of a route, unless it is an object that cannot be shown. It has no facts of its own. */
function fallbackOf(
  { route: { fallback } }: ResolvedRequest,
  keys: RenditionKeys,
): RenditionKey | undefined {
  const [first] = keys;
  if (!fallback || first.formats === "facts") return undefined;
  const { bucket, key } = fallback;
  const isItself = keys.some((one) => bucket.baseUrl === one.bucket.baseUrl && key === one.key);
  return isItself ? undefined : { ...first, bucket, key, version: undefined };
}

/** What the visitor gets; the log has the reason. */
function refuse({ refusal, subject = {}, terms = {}, instead }: Refused, env: object): Response {
  const now = Date.now();
  const answer = instead ?? refusalAnswer(refusal, terms, now);
  if (shouldLog(env, refusal.event, now)) logRefusal(refusal, subject, answer.status);
  return answer;
}

/** What the log has of a request, as far as the URL could be read. */
function subjectOf(resolved: ResolvedRequest | UnresolvedRequest): Subject {
  const { route, variant } = resolved;
  if (!route || !variant) return { route: route?.path };
  return {
    route: route.path,
    preset: resolved.variantName,
    bucket: route.bucket.name,
    key: resolved.key,
  };
}

const LOOP = {
  event: "loop-detected",
  reason: "a loop: endpoint leads here, or a transformation flow of the zone takes these URLs",
} as const satisfies Refusal;
