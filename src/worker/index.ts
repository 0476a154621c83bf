// The whole story of a request, as a list of steps. Each step returns a value or a refusal.

import { imageAnswer, imageHeaders, refusalAnswer, type Terms } from "./answer/answer.ts";
import { showFallback } from "./answer/fallback.ts";
import { corsHeaders, preflight } from "./answer/preflight.ts";
import { logRefusal, type Subject } from "./base/log.ts";
import { isRefusal, type Refusal } from "./base/refusal.ts";
import { drop } from "./base/send.ts";
import type { Bucket } from "./config/bucket.ts";
import { tryTwice } from "./edge/passing.ts";
import { makeRendition, type Rendition } from "./edge/rendition.ts";
import { answerHealth } from "./health.ts";
import { configOf, countRefusal, memoryOf } from "./isolate.ts";
import { checkEmbedding } from "./request/embedding.ts";
import { chooseFormat, readableBy } from "./request/format.ts";
import { checkLimit } from "./request/rate-limit.ts";
import { type NoOrder, type Order, readOrder } from "./request/read-order.ts";
import { readTarget } from "./request/target.ts";
import { checkGrant } from "./request/url-signature.ts";
import { withSlots } from "./s3/failover.ts";
import { originUrl } from "./s3/object-url.ts";
import type { Context, Visit } from "./s3/probe.ts";

export default {
  async fetch(request: Request, env: object, context: Context): Promise<Response> {
    const outcome = await serve(request, env, context);
    const answer = outcome instanceof Response ? outcome : refuse(outcome, env);
    if (request.method !== "HEAD") return answer;
    drop(answer.body);
    return new Response(null, answer);
  },
} satisfies ExportedHandler<Env>;

/** A request that gets no image of its own. */
type Refused = {
  readonly refusal: Refusal;
  /** What the log is told of the request. */
  readonly subject?: Subject;
  readonly terms?: Terms;
  /** The fallback image, in place of the plain answer. */
  readonly instead?: Response | undefined;
};

/** Whether a visitor may have what they ask for: everything that is settled before S3 and the edge. */
async function serve(request: Request, env: object, context: Context): Promise<Response | Refused> {
  const began = Date.now();
  const config = await configOf(env, began, context);
  if (isRefusal(config)) return { refusal: config };

  const { method, headers, url } = request;
  if (/image-resizing/i.test(headers.get("via") ?? "")) return { refusal: LOOP }; // E8
  const target = readTarget(url);
  if (target.pathname === "/healthz") {
    const health = await answerHealth(request, config);
    return isRefusal(health) ? { refusal: health } : health;
  }

  const order = readOrder(config, target.pathname);
  const { route } = order;
  const allow = route?.origins ? "GET, HEAD, OPTIONS" : "GET, HEAD";
  if (!allow.split(", ").includes(method)) {
    return { refusal: { event: "method-not-allowed", method, allow } };
  }
  const cors = route?.origins && corsHeaders(headers, route.origins);
  if (route?.origins && cors) {
    const foreign = checkEmbedding(headers, url, route.origins);
    if (foreign) return { refusal: foreign, subject: { route: route.path }, terms: { cors } };
    if (method === "OPTIONS") return preflight(allow, cors);
  }
  const subject = subjectOf(order);
  if ("refusal" in order) return { refusal: order.refusal, subject, terms: { cors } };

  const granted = await checkGrant(order, target, Date.now());
  if (isRefusal(granted)) return { refusal: granted, subject, terms: { cors } };
  const terms = { cors, granted };
  const deadline = began + config.answers.timeout * 1000;
  const limited = await checkLimit(config.limiter, headers, order.route.path, deadline);
  if (limited) return { refusal: limited, subject, terms };
  return show(request, order, terms, config.answers.max_age, { context, deadline });
}

/** Has the image made, and answers with it, or with the fallback of its route. */
async function show(
  request: Request,
  order: Order,
  terms: Terms,
  maxAge: number,
  visit: Visit,
): Promise<Response | Refused> {
  const { route, variant, key } = order;
  const { bucket, svg } = route;
  const began = Date.now();
  const asked = chooseFormat(variant, readableBy(request.headers.get("accept")), svg);
  const negotiated = variant.format === "auto" && !svg;
  // Signed with the current key, or with the next one where S3 refuses that.
  const make = (from: Bucket, object: string) =>
    tryTwice(asked, visit.deadline, (each) =>
      withSlots(memoryOf(from), object, visit, (signed) =>
        makeRendition(object, signed, each, visit.deadline),
      ),
    );

  const rendition = await make(bucket, originUrl(bucket.base, key, terms.granted?.version));
  const now = Date.now();
  const refused = isRefusal(rendition) ? rendition.event : undefined;
  memoryOf(bucket).learn({ type: "object-asked", refused, now });
  if (isRefusal(rendition)) {
    const fallback = fallbackOf(order, make);
    const shown = fallback && (await showFallback(rendition, fallback, terms, negotiated));
    const subject = { ...subjectOf(order), fallback: shown?.event };
    return { refusal: rendition, subject, terms, instead: shown?.answer };
  }
  const { type, standsIn } = rendition;
  const shown = { type, standsIn, negotiated, maxAge, took: now - began };
  return imageAnswer(request, rendition, imageHeaders(rendition.headers, shown, terms, now));
}

type Make = (bucket: Bucket, url: string) => Promise<Rendition | Refusal>;

/** The fallback of a route, unless it is the very object that cannot be shown. */
function fallbackOf({ route, key }: Order, make: Make) {
  if (!route.fallback) return undefined;
  const { bucket, key: other } = route.fallback;
  const url = originUrl(bucket.base, other);
  if (url === originUrl(route.bucket.base, key)) return undefined;
  return { bucket: bucket.name, make: () => make(bucket, url) };
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
