// Makes renditions, and is the story of the cached entrypoint: it reads the URL of a rendition, signs,
// asks the edge, and guards. It knows nothing of the visitor.

import { isRefusal, type Refusal } from "./base/refusal.ts";
import { AS_FALLBACK, TIME_LEFT } from "./cache/ask-kept.ts";
import { keptImage, keptRefusal } from "./cache/kept-answer.ts";
import { readRenditionUrl, type Wanted } from "./cache/rendition-url.ts";
import { bucketTag, objectTag } from "./cache/tags.ts";
import { makeFacts } from "./edge/facts.ts";
import { tryTwice } from "./edge/passing.ts";
import { makeRendition, type Rendition } from "./edge/rendition.ts";
import { configOf, memoryOf } from "./isolate.ts";
import { askedFor } from "./request/format.ts";
import { withSlots } from "./s3/failover.ts";
import { originUrl } from "./s3/object-url.ts";
import type { Context, Visit } from "./s3/probe.ts";

/**
 * Has the edge make a rendition: signed with the current key, or the next one where S3 refuses that.
 * @param visit `isFallback`: no visitor asked for the object, so it is no sign of the bucket's health
 */
export async function make(
  { bucket, key, version, variant, reads }: Wanted,
  visit: Visit & { readonly isFallback?: boolean },
): Promise<Rendition | Refusal> {
  const url = originUrl(bucket.base, key, version);
  const memory = memoryOf(bucket);
  const making = reads === "facts" ? makeFacts : makeRendition;
  const rendition = await tryTwice(askedFor(variant, reads), visit.deadline, (asked) =>
    withSlots(memory, url, visit, (signed) => making(url, signed, asked, visit.deadline)),
  );
  const refused = isRefusal(rendition) ? rendition.event : undefined;
  if (!visit.isFallback) memory.learn({ type: "object-asked", refused, now: Date.now() });
  return rendition;
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
  if (isRefusal(config)) return keptRefusal(config, []);
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
  return keptRefusal(made, tags);
}

/** What is wrong with the object alone is no failure of what is behind the Worker. */
const CONCERNS_THE_OBJECT: ReadonlySet<Refusal["event"]> = new Set<Refusal["event"]>([
  "object-missing",
  "object-denied",
  "source-unreadable",
]);
