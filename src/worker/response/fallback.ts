// The fallback of a route: the image that it shows where it cannot show the requested one. A fallback has no fallback.

import type { RenderResult } from "../cache/cached-answer.ts";
import type { RenditionId, RenditionIds } from "../cache/rendition-url.ts";
import type { BoundRoute } from "../config/routes.ts";
import { isCertain, type Refusal } from "../http/refusal.ts";
import { type LogFields, logRefusal } from "../log/log.ts";
import {
  type ImageOptions,
  imageAnswer,
  limitedCaching,
  refusalAnswer,
  type Terms,
} from "./answer.ts";

/** The fallback of a route, unless it is an object that cannot be shown. A fallback has no facts. */
export function fallbackIdOf(
  { fallback }: Pick<BoundRoute, "fallback">,
  ids: RenditionIds,
): RenditionId | undefined {
  const [first] = ids;
  if (!fallback || first.formats === "facts") return undefined;
  const { bucket, key } = fallback;
  const isRefused = ids.some(
    (refused) => bucket.baseUrl === refused.bucket.baseUrl && key === refused.key,
  );
  return isRefused ? undefined : { ...first, bucket, key, version: undefined };
}

/**
 * For how long a fallback may be cached: s, by the status of the answer that it replaces. Other answers have no
 * fallback. A failure behind the Worker may be over soon.
 */
const SECONDS: Readonly<Record<number, number>> = { 404: 60, 415: 60, 502: 10 };

/** The result for the log, and the answer if there is one. */
type FallbackOutcome = {
  readonly event: LogFields["fallback"];
  readonly answer?: Response;
};

/**
 * For how long a fallback may be cached in place of a refusal: s. Undefined: the refusal has no fallback. The gateway
 * passes it on to `fallbackAnswer`, as the `maxAge` of its options.
 */
export function fallbackSeconds(refusal: Refusal, terms: Terms): number | undefined {
  return SECONDS[refusalAnswer(refusal, terms, Date.now()).status];
}

/**
 * Shows the fallback under the status that the plain answer would have. The reason why it has no picture is for the log
 * alone.
 * @param fallback the rendition of the fallback, or why there is none
 * @param bucketName of the fallback
 */
export function fallbackAnswer(
  { refusal, terms }: { readonly refusal: Refusal; readonly terms: Terms },
  fallback: RenderResult,
  bucketName: string,
  options: ImageOptions,
): FallbackOutcome {
  const now = Date.now();
  const { status } = refusalAnswer(refusal, terms, now);
  if (fallback.kind === "not-modified") {
    throw new Error("a fallback is requested without a condition");
  }
  if (fallback.kind === "refusal") {
    const reason = fallback.refusal;
    // Dead keys are logged once a minute, and perhaps nothing else uses this bucket.
    if (reason.event === "slots-refused") {
      const fallbackStatus = refusalAnswer(reason, terms, now).status;
      logRefusal(reason, { bucket: bucketName }, fallbackStatus);
    }
    return { event: reason.event };
  }
  // No tag: a condition is for a 2xx (RFC 9110), and the tag would name another object's image.
  const untagged = { ...fallback.rendition, etag: undefined };
  const { body, headers } = imageAnswer(untagged, null, options, terms, now);
  const isCacheable = status === 502 || isCertain(refusal);
  const caching = isCacheable ? limitedCaching(options.maxAge, terms, now) : "no-store";
  headers.set("cache-control", caching);
  return { event: "shown", answer: new Response(body, { status, headers }) };
}
