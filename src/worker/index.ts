// The gateway: the whole story of a visitor's request, as a list of steps. Each step returns a value or a
// refusal. It asks the cached entrypoint, `Renditions`, for the image: renditions.ts has the story of that.

import { WorkerEntrypoint } from "cloudflare:workers";
import { imageAnswer, imageHeaders, refusalAnswer, type Terms } from "./answer/answer.ts";
import { showFallback } from "./answer/fallback.ts";
import { corsHeaders, preflight } from "./answer/preflight.ts";
import { answerIssuer } from "./answer-issuer.ts";
import { answerPurge } from "./answer-purge.ts";
import { logRefusal, type Subject } from "./base/log.ts";
import { isRefusal, type Refusal } from "./base/refusal.ts";
import { drop } from "./base/send.ts";
import {
  type GatewayContext,
  NO_CACHE,
  type PurgeOptions,
  type PurgeResult,
} from "./cache/loopback.ts";
import type { Wanted } from "./cache/rendition-url.ts";
import { answerHealth } from "./health.ts";
import { configOf, countRefusal } from "./isolate.ts";
import { record } from "./metrics.ts";
import { type GatewayVisit, obtain } from "./obtain.ts";
import { answerRendition } from "./renditions.ts";
import { checkEmbedding } from "./request/embedding.ts";
import { isNegotiated, readableBy, readsOf } from "./request/format.ts";
import { checkLimit } from "./request/rate-limit.ts";
import { type NoOrder, type Order, readOrder } from "./request/read-order.ts";
import { splitFacts } from "./request/split-facts.ts";
import { readTarget } from "./request/target.ts";
import { checkGrant } from "./request/url-signature.ts";

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
    if (isHead) drop(whole.body);
    const answer = isHead ? new Response(null, whole) : whole;

    const event = "refusal" in outcome ? outcome.refusal.event : outcome.subject && "shown";
    record(env, answer, { subject: outcome.subject, event, began }, Date.now());
    return answer;
  },
} satisfies ExportedHandler<object>;

/** A request that gets what it asked for: an image or its facts, if it has a subject. */
type Served = { readonly answer: Response; readonly subject?: Subject };

/** A request that gets no image of its own. */
type Refused = {
  readonly refusal: Refusal;
  /** What the log is told of the request. */
  readonly subject?: Subject;
  readonly terms?: Terms;
  /** The fallback image, in place of the plain answer. */
  readonly instead?: Response | undefined;
};

/**
 * Whether a visitor may have what they ask for: everything that is settled before a rendition is made.
 * @param began when the request came: ms since 1970
 */
async function serve(
  request: Request,
  env: object,
  context: GatewayContext,
  began: number,
): Promise<Served | Refused> {
  const config = await configOf(env, began, context);
  if (isRefusal(config)) return { refusal: config };

  const { method, headers, url } = request;
  if (/image-resizing/i.test(headers.get("via") ?? "")) return { refusal: LOOP }; // E8
  const target = readTarget(url);
  const { pathname } = target;
  const asked =
    pathname === "/healthz"
      ? answerHealth(request, config, env, context)
      : pathname === "/purge"
        ? answerPurge(request, config, context)
        : answerIssuer(request, pathname, config);
  const answered = asked && (await asked);
  if (answered) return isRefusal(answered) ? { refusal: answered } : { answer: answered };

  const order = readOrder(config, pathname);
  const { route } = order;
  const allowed = route?.origins ? WITH_PREFLIGHT : METHODS;
  if (!allowed.includes(method)) {
    return { refusal: { event: "method-not-allowed", method, allow: allowed.join(", ") } };
  }
  const cors = route?.origins && corsHeaders(headers, route.origins);
  if (route?.origins && cors) {
    const foreign = checkEmbedding(headers, url, route.origins);
    if (foreign) return { refusal: foreign, subject: { route: route.path }, terms: { cors } };
    if (method === "OPTIONS") return { answer: preflight(allowed.join(", "), cors) };
  }
  const subject = subjectOf(order);
  if ("refusal" in order) return { refusal: order.refusal, subject, terms: { cors } };

  const { facts, target: picture } = splitFacts(order.route, target);
  const granted = await checkGrant(order, picture, Date.now());
  if (isRefusal(granted)) return { refusal: granted, subject, terms: { cors } };
  const terms = { cors, granted };
  const { timeout, max_age, keep } = config.answers;
  const deadline = began + timeout * 1000;
  const limited = await checkLimit(config.limiter, headers, order.route.path, deadline);
  if (limited) return { refusal: limited, subject, terms };
  return show(request, order, facts, terms, max_age, { env, context, deadline, keep });
}

const METHODS = ["GET", "HEAD"];
const WITH_PREFLIGHT = [...METHODS, "OPTIONS"];

/** Gets the rendition or its facts, and answers with it, or with the fallback of its route. */
async function show(
  request: Request,
  order: Order,
  facts: boolean,
  terms: Terms,
  maxAge: number,
  visit: GatewayVisit,
): Promise<Served | Refused> {
  const { route, variant, key } = order;
  const { bucket, svg } = route;
  const began = Date.now();
  const readable = readableBy(request.headers.get("accept"));
  const reads = facts ? "facts" : readsOf(variant, readable, svg);
  const negotiated = isNegotiated(reads);
  const wanted = { bucket, key, version: terms.granted?.version, variant, reads };

  const { made, cache, age } = await obtain(wanted, visit);
  const subject = { ...subjectOf(order), cache };
  if (isRefusal(made)) {
    const refused = { ...terms, age };
    const other = fallbackOf(order, wanted);
    const fallback = other && {
      bucket: other.bucket.name,
      obtain: () => obtain(other, { ...visit, isFallback: true }),
    };
    const shown = fallback && (await showFallback(made, fallback, refused, negotiated));
    const told = { ...subject, fallback: shown?.event };
    return { refusal: made, subject: told, terms: refused, instead: shown?.answer };
  }
  const now = Date.now();
  const { type, standsIn } = made;
  const shown = { type, standsIn, negotiated, maxAge, cache, took: now - began };
  const answer = imageAnswer(request, made, imageHeaders(made.headers, shown, terms, now));
  return { answer, subject: { ...subject, format: type.replace(/^\w+\//, "") } };
}

/** The fallback of a route, unless it is the very object that cannot be shown. It has no facts of its own. */
function fallbackOf({ route: { fallback } }: Order, wanted: Wanted): Wanted | undefined {
  if (!fallback || wanted.reads === "facts") return undefined;
  const { bucket, key } = fallback;
  const isItself = bucket.base === wanted.bucket.base && key === wanted.key;
  return isItself ? undefined : { ...wanted, bucket, key, version: undefined };
}

/** What the visitor gets; the log has the reason. */
function refuse({ refusal, subject = {}, terms = {}, instead }: Refused, env: object): Response {
  const now = Date.now();
  const answer = instead ?? refusalAnswer(refusal, terms, now);
  if (countRefusal(env, refusal.event, now)) logRefusal(refusal, subject, answer.status);
  return answer;
}

/** What the log is told of a request, as far as the URL could be read. */
function subjectOf(order: Order | NoOrder): Subject {
  const { route, variant } = order;
  if (!route || !variant) return { route: route?.path };
  return { route: route.path, preset: order.name, bucket: route.bucket.name, key: order.key };
}

const LOOP = {
  event: "loop-detected",
  reason: "a loop: endpoint leads here",
} as const satisfies Refusal;
