import { imageAnswer, imageHeaders, refusalAnswer } from "./answer.ts";
import { configOf } from "./config.ts";
import { chooseFormat, readAccept } from "./format.ts";
import { answerHealth } from "./health.ts";
import { keyFault } from "./key.ts";
import { logRefusal, type Subject } from "./log.ts";
import { originUrl } from "./origin.ts";
import { makePrint } from "./print.ts";
import type { Context } from "./probe.ts";
import { decodePath } from "./public-url.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import { findRoute } from "./route.ts";
import { withSlots } from "./slots.ts";

export default {
  async fetch(request: Request, env: object, context: Context): Promise<Response> {
    const subject: Subject = {};
    const outcome = await show(request, env, context, subject);
    const answer = isRefusal(outcome) ? refusalAnswer(outcome) : outcome;
    if (isRefusal(outcome)) logRefusal(outcome, subject, answer.status);
    return request.method === "HEAD" ? new Response(null, answer) : answer;
  },
} satisfies ExportedHandler<Env>;

/** The whole way of a request. What becomes known of it on the way is put into `subject`. */
async function show(
  request: Request,
  env: object,
  context: Context,
  subject: Subject,
): Promise<Response | Refusal> {
  const config = await configOf(env, Date.now());
  if (isRefusal(config)) return config;

  const { method } = request;
  if (method !== "GET" && method !== "HEAD") return { event: "method-not-allowed", method };

  const { pathname } = new URL(request.url);
  if (pathname === "/healthz") return answerHealth(request, config);

  const path = decodePath(pathname);
  if (isRefusal(path)) return path;
  const found = findRoute(config.routes, path);
  if (isRefusal(found)) return found;
  const { bucket, presets, svg } = found.route;
  subject.route = found.route.path;

  const variant = config.variants.get(found.variant);
  if (variant === undefined || presets?.has(variant.preset) === false) {
    return { event: "no-such-variant", variant: found.variant };
  }
  subject.preset = found.variant;

  const key = bucket.prefix + found.key;
  subject.bucket = bucket.name;
  subject.key = key;
  const fault = keyFault(key);
  if (fault !== undefined) return { event: "impossible-key", reason: fault };

  const began = Date.now();
  const url = originUrl(bucket.base, key);
  const { timeout, max_age } = config.answers;
  const asked = chooseFormat(variant, readAccept(request.headers.get("accept")), svg);
  // Signed with the current key, or with the next one where S3 refuses that.
  const print = await withSlots(bucket, url, context, (signed) =>
    makePrint(url, signed, asked, timeout),
  );
  if (isRefusal(print)) return print;

  const negotiated = variant.format === "auto" && !svg;
  const took = Date.now() - began;
  const shown = imageHeaders(print.headers, print.type, negotiated, max_age, took);
  return imageAnswer(request, print, shown);
}
