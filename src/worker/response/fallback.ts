// The fallback of a route: the image that it shows where it cannot show the requested one. It is shown under the status
// of the plain answer, so that apps and monitors see what is wrong. A fallback has no fallback.

import type { RenderResult } from "../cache/cached-answer.ts";
import type { RenditionId, RenditionIds } from "../cache/rendition-url.ts";
import type { BoundRoute } from "../config/routes.ts";
import { isCertain, type Refusal } from "../http/refusal.ts";
import { logRefusal } from "../log/log.ts";
import { type ImageOptions, imageAnswer, limitedCaching, statusOf, type Terms } from "./answer.ts";

/** A request that gets no image of its own. */
type RefusedRequest = { readonly refusal: Refusal; readonly terms: Terms };

/** What a fallback leads to. The log names why there is none; the visitor then gets the plain answer. */
type FallbackOutcome =
  | { readonly kind: "shown"; readonly answer: Response }
  | { readonly kind: "refused"; readonly event: Refusal["event"] };

/**
 * Returns the rendition of the route's fallback, at the variant and in the formats of the requested one.
 * @param ids of the objects that were requested, and cannot be shown
 * @returns undefined if the route has no fallback, or if the fallback is one of these objects
 */
export function fallbackIdOf(
  { fallback }: Pick<BoundRoute, "fallback">,
  ids: RenditionIds,
): RenditionId | undefined {
  if (fallback === undefined) return undefined;

  // A request for the sizes of a picture gets no other picture's sizes.
  const [first] = ids;
  if (first.formats === "facts") return undefined;

  const { bucket, key } = fallback;
  for (const refused of ids) {
    const isFallback = refused.bucket.baseUrl === bucket.baseUrl && refused.key === key;
    if (isFallback) return undefined;
  }
  return { ...first, bucket, key, version: undefined };
}

/**
 * For how long a fallback may be cached: s, by the status of the answer that it replaces. Other answers have no
 * fallback. A failure behind the Worker may be over soon.
 */
const FALLBACK_S: Readonly<Record<number, number>> = { 404: 60, 415: 60, 502: 10 };

/**
 * Returns for how long a fallback may be cached in place of a refusal: s. The gateway passes it on to `fallbackAnswer`,
 * as the `maxAge` of its options.
 * @returns undefined if no fallback is shown in place of this refusal
 */
export function fallbackSeconds(refusal: Refusal): number | undefined {
  return FALLBACK_S[statusOf(refusal)];
}

/**
 * Shows the fallback under the status that the plain answer would have.
 * @param fallback the rendition of the fallback, or why there is none
 * @param bucketName of the fallback
 */
export function fallbackAnswer(
  refused: RefusedRequest,
  fallback: RenderResult,
  bucketName: string,
  options: ImageOptions,
): FallbackOutcome {
  if (fallback.kind === "not-modified") {
    throw new Error("a fallback is requested without a condition");
  }

  if (fallback.kind === "refusal") {
    const reason = fallback.refusal;
    // Dead keys are logged once a minute, and perhaps nothing else uses this bucket.
    if (reason.event === "slots-refused") {
      logRefusal(reason, { bucket: bucketName }, statusOf(reason));
    }
    return { kind: "refused", event: reason.event };
  }

  const { refusal, terms } = refused;
  const now = Date.now();

  // No tag: a condition is for a 2xx (RFC 9110), and the tag would name another object's image.
  const untagged = { ...fallback.rendition, etag: undefined };
  const { body, headers } = imageAnswer(untagged, null, options, terms, now);

  // A 404 or 415 that is not certain may become an image at any time: no cache keeps it.
  const status = statusOf(refusal);
  const isCacheable = status === 502 || isCertain(refusal);
  const caching = isCacheable ? limitedCaching(options.maxAge, terms, now) : "no-store";
  headers.set("cache-control", caching);

  return { kind: "shown", answer: new Response(body, { status, headers }) };
}
