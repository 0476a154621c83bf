import { keyFault } from "../url/key.ts";
import { imageAnswer, imageHeaders, refusalAnswer, type Terms } from "./answer/answer.ts";
import { showFallback } from "./answer/fallback.ts";
import { logNotice, logRefusal, type Subject } from "./base/log.ts";
import { isRefusal, type Refusal } from "./base/refusal.ts";
import type { Bucket } from "./config/bucket.ts";
import { configOf } from "./config/config.ts";
import { findRoute } from "./config/route-index.ts";
import { readPathname, readTarget } from "./config/route-pattern.ts";
import { drop } from "./edge/ask-edge.ts";
import { makePrint } from "./edge/rendition.ts";
import { answerHealth } from "./health.ts";
import { checkEmbedding, corsHeaders, preflight } from "./request/embedding.ts";
import { chooseFormat, readableBy } from "./request/format.ts";
import { checkLimit } from "./request/rate-limit.ts";
import { checkSignature } from "./request/url-signature.ts";
import { withSlots } from "./s3/failover.ts";
import { denialNotices } from "./s3/notice.ts";
import { originUrl } from "./s3/object-url.ts";
import type { Context } from "./s3/probe.ts";

export default {
  async fetch(request: Request, env: object, context: Context): Promise<Response> {
    const visit: Visit = { subject: {}, terms: {} };
    const outcome = await show(request, env, context, visit);
    const refused = isRefusal(outcome);
    const plain = refused ? refusalAnswer(outcome, visit.terms, Date.now()) : outcome;
    const answer = visit.instead ?? plain;
    if (refused) logRefusal(outcome, visit.subject, answer.status);
    if (request.method !== "HEAD") return answer;
    drop(answer.body);
    return new Response(null, answer);
  },
} satisfies ExportedHandler<Env>;

/** What becomes known of a request on its way. */
type Visit = {
  readonly subject: Subject;
  readonly terms: Terms;
  /** The fallback, in place of the plain answer to a refusal. */
  instead?: Response | undefined;
};

/** The whole way of a request. */
async function show(
  request: Request,
  env: object,
  context: Context,
  visit: Visit,
): Promise<Response | Refusal> {
  const { subject, terms } = visit;
  const config = await configOf(env, Date.now());
  if (isRefusal(config)) return config;

  const { method, headers } = request;
  if (/image-resizing/i.test(headers.get("via") ?? "")) {
    return { event: "loop-detected", reason: "the image edge itself asks: endpoint leads here" }; // E8
  }
  const target = readTarget(request.url);
  if (target.pathname === "/healthz") return answerHealth(request, config);

  const path = readPathname(target.pathname);
  const found = isRefusal(path) ? path : findRoute(config.index, path);
  const allow = !isRefusal(found) && found.route.origins ? "GET, HEAD, OPTIONS" : "GET, HEAD";
  if (!allow.split(", ").includes(method)) return { event: "method-not-allowed", method, allow };
  if (isRefusal(found)) return found;
  const { bucket, presets, svg, signing, origins, fallback } = found.route;
  subject.route = found.route.path;

  if (origins !== undefined) {
    terms.cors = corsHeaders(headers, origins);
    const foreign = checkEmbedding(headers, request.url, origins);
    if (foreign !== undefined) return foreign;
    if (method === "OPTIONS") return preflight(allow, terms.cors);
  }

  const variant = config.variants.get(found.variant);
  if (variant === undefined || presets?.has(variant.preset) === false) {
    return { event: "no-such-variant", variant: found.variant };
  }
  const { preset } = variant;
  subject.preset = found.variant;

  const key = bucket.prefix + found.key;
  subject.bucket = bucket.name;
  subject.key = key;
  const fault = keyFault(key);
  if (fault !== undefined) return { event: "impossible-key", reason: fault };

  if (signing !== undefined) {
    const grant = { route: found.route.path, preset, key: found.key };
    const granted = await checkSignature(target, grant, signing, Date.now());
    if (isRefusal(granted)) return granted;
    terms.granted = granted;
  }
  if (config.limiter !== undefined) {
    const limited = await checkLimit(config.limiter, headers, found.route.path);
    if (limited !== undefined) return limited;
  }

  const began = Date.now();
  const source = originUrl(bucket.base, key, terms.granted?.version);
  const { timeout, max_age: maxAge } = config.answers;
  const asked = chooseFormat(variant, readableBy(headers.get("accept")), svg);
  // Signed with the current key, or with the next one where S3 refuses that.
  const make = (from: Bucket, object: string) =>
    withSlots(from, object, context, (signed) => makePrint(object, signed, asked, timeout));
  const print = await make(bucket, source);
  denialNotices(bucket, print, Date.now()).forEach(logNotice);
  const negotiated = variant.format === "auto" && !svg;
  if (isRefusal(print)) {
    if (fallback !== undefined && fallback.url !== originUrl(bucket.base, key)) {
      visit.instead = await showFallback(print, fallback, make, negotiated, visit);
    }
    return print;
  }

  const now = Date.now();
  const shown = { type: print.type, negotiated, maxAge, took: now - began };
  return imageAnswer(request, print, imageHeaders(print.headers, shown, terms, now));
}
