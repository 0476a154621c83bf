// Makes renditions, and is the story of the cached entrypoint: it reads the URL of a rendition, chooses the
// engine, signs, has the engine make it, and guards. It knows nothing of the visitor.

import { isRefusal, type Refusal } from "./base/refusal.ts";
import { AS_FALLBACK, TIME_LEFT } from "./cache/gateway-headers.ts";
import { keptImage, keptRefusal } from "./cache/kept-answer.ts";
import { readRenditionUrl, type Wanted } from "./cache/rendition-url.ts";
import { bucketTag, objectTag } from "./cache/tags.ts";
import type { Engine } from "./config/bucket-settings.ts";
import { enginesFor } from "./config/engine-limits.ts";
import { makeFacts } from "./edge/facts.ts";
import { makeRendition, type Rendition } from "./edge/rendition.ts";
import { tryTwice } from "./edge/try-twice.ts";
import { makePicture, tellFacts } from "./images/make.ts";
import { type Open, openR2, openS3 } from "./images/source.ts";
import { configOf, memoryOf } from "./isolate.ts";
import { openBucket } from "./open-bucket.ts";
import { originUrl } from "./origin/object-url.ts";
import type { Context, Visit } from "./origin/probe.ts";
import { type Asked, askedFor } from "./request/format.ts";

/**
 * Has a rendition made by the first engine that can make this variant, or by the second one where the
 * first cannot read the object.
 * @param visit `isFallback`: no visitor asked for the object, so it is no sign of the bucket's health
 */
export async function make(
  wanted: Wanted,
  visit: Visit & { readonly isFallback?: boolean },
): Promise<Rendition | Refusal> {
  const { bucket, variant, reads } = wanted;
  const [engine, other] = enginesFor(bucket.engines, variant, reads === "svg");
  let made = await makeBy(engine, wanted, visit);
  if (other && isRefusal(made) && "elsewhere" in made) {
    const { reason = `the Images binding answers ${made.edge}` } = made;
    made = await makeBy(other, wanted, visit);
    const changed = { type: "engine-changed", key: wanted.key, reason } as const;
    if (!isRefusal(made)) memoryOf(bucket).learn({ ...changed, now: Date.now() });
  }
  const refused = isRefusal(made) ? made.event : undefined;
  if (!visit.isFallback) memoryOf(bucket).learn({ type: "object-asked", refused, now: Date.now() });
  return made;
}

/** Has one engine make a rendition. */
export function makeBy(engine: Engine, wanted: Wanted, visit: Visit): Promise<Rendition | Refusal> {
  const by = engine === "binding" ? byBinding : byEdge;
  const asked = askedFor(wanted.variant, wanted.reads);
  return tryTwice(asked, visit.deadline, (one) => by(wanted, one, visit));
}

/** The image edge fetches the object, with the headers that sign the request. */
function byEdge({ bucket, key, version, reads }: Wanted, asked: Asked, visit: Visit) {
  const url = originUrl(bucket.base, key, version);
  const making = reads === "facts" ? makeFacts : makeRendition;
  return openBucket(bucket, url, visit, (signed) => making(url, signed, asked, visit.deadline));
}

/** The Worker fetches the object, from R2 or signed from S3, and the Images binding gets its bytes. */
function byBinding({ bucket, key, version, reads }: Wanted, asked: Asked, visit: Visit) {
  const { images, r2, prefix, base } = bucket;
  const { deadline } = visit;
  if (!images) throw new Error("a bucket of this engine has the binding");
  const making = reads === "facts" ? tellFacts : makePicture;
  const object = { images, key, prefix, deadline };
  if (r2) return making({ ...object, open: (one) => openR2(r2, one, deadline) }, asked);
  const url = originUrl(base, key, version);
  return openBucket(bucket, url, visit, (_signed, sign) => {
    const open: Open = (one) => openS3(one === key ? url : originUrl(base, one), sign, deadline);
    return making({ ...object, open }, asked);
  });
}

/**
 * Answers a request of the gateway, with how long Cloudflare keeps the answer for all visitors.
 * @throws if no gateway of this configuration writes such a URL
 */
export async function answerRendition(
  { url, headers }: Request,
  env: object,
  context: Context,
): Promise<Response> {
  const began = Date.now();
  const config = await configOf(env, began, context);
  if (isRefusal(config)) return keptRefusal(config, [], false);
  const wanted = readRenditionUrl(config, url);
  if (!wanted) throw new Error("this is not the URL of a rendition");

  const { answers } = config;
  const left = Number(headers.get(TIME_LEFT) ?? Number.NaN);
  const most = answers.timeout * 1000;
  const deadline = began + (left >= 0 && left < most ? left : most);
  const made = await make(wanted, { context, deadline, isFallback: headers.has(AS_FALLBACK) });

  const { bucket, key } = wanted;
  const tags = await Promise.all([objectTag(bucket, key), bucketTag(bucket)]);
  if (!isRefusal(made)) return keptImage(made, answers, tags);
  if (!CONCERNS_THE_OBJECT.has(made.event)) {
    memoryOf(bucket).learn({ type: "rendition-failed", key, refusal: made, now: Date.now() });
  }
  return keptRefusal(made, tags, headers.has("if-none-match"));
}

/** What is wrong with the object alone is no failure of what is behind the Worker. */
const CONCERNS_THE_OBJECT: ReadonlySet<Refusal["event"]> = new Set<Refusal["event"]>([
  "object-missing",
  "object-denied",
  "source-unreadable",
]);
