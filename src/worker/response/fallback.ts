// The fallback of a route: the image that it shows where it cannot show the requested one. The fallback has the status
// that the refusal would have without it, so that apps and monitors see what is wrong. A fallback has no fallback.

import type { RenderResult } from "../cache/cached-answer.ts";
import type { RenditionId, RenditionIds } from "../cache/rendition-url.ts";
import type { BoundRoute } from "../config/routes.ts";
import { isCertain, type Refusal } from "../http/refusal.ts";
import { logRefusal } from "../log/log.ts";
import { type ImageOptions, imageAnswer, limitedCaching, statusOf, type Terms } from "./answer.ts";

/** A request that gets no image of its own. */
type RefusedRequest = { readonly refusal: Refusal; readonly terms: Terms };

/** The answer with the fallback; or why there is none, for the log. The visitor then gets the refusal as a text. */
type FallbackOutcome =
  | { readonly kind: "shown"; readonly answer: Response }
  | { readonly kind: "refused"; readonly event: Refusal["event"] };

/**
 * Returns the rendition of the route's fallback: at the requested variant, in the formats that were accepted for it.
 * @param ids of the objects that were requested, and cannot be shown
 * @returns undefined if the route has no fallback, or if the fallback is one of these objects
 */
export function fallbackIdOf(
  { fallback }: Pick<BoundRoute, "fallback">,
  ids: RenditionIds,
): RenditionId | undefined {
  if (!fallback) return undefined;

  // A request for the sizes of a picture as JSON must not get the sizes of another picture.
  const [first] = ids;
  if (first.formats === "facts") return undefined;

  const { bucket, key } = fallback;
  for (const id of ids) {
    const isFallback = id.bucket.baseUrl === bucket.baseUrl && id.key === key;
    if (isFallback) return undefined;
  }

  // The version in a signed URL is that of the requested object.
  return { ...first, bucket, key, version: undefined };
}

/**
 * For how long a fallback may be cached, by the status of the refusal: s. A failure behind the Worker, a 502, may be
 * over soon. A refusal with another status gets no fallback.
 */
const FALLBACK_S: Readonly<Record<number, number>> = { 404: 60, 415: 60, 502: 10 };

/** Returns for how long a fallback may be cached in place of a refusal: s. @returns undefined if it gets no fallback */
export function fallbackSeconds(refusal: Refusal): number | undefined {
  return FALLBACK_S[statusOf(refusal)];
}

/**
 * Shows the fallback under the status of the refusal.
 * @param fallback the result of rendering the fallback
 * @param bucketName of the fallback
 * @param options with `fallbackSeconds` as `maxAge`
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
    const cause = fallback.refusal;
    // No credential opens the fallback's bucket. The log line of the request names the requested bucket, and perhaps no
    // other request uses this one.
    if (cause.event === "slots-refused") {
      logRefusal(cause, { bucket: bucketName }, statusOf(cause));
    }
    return { kind: "refused", event: cause.event };
  }

  const { refusal, terms } = refused;
  const now = Date.now();

  // The fallback gets no ETag. A browser's condition is for a success (RFC 9110), and the ETag would name the image of
  // another object.
  const untagged = { ...fallback.rendition, etag: undefined };
  const { body, headers } = imageAnswer(untagged, null, options, terms, now);

  // Without a certain cause, the requested image may be there at any time, so no cache may keep its fallback. Only in
  // place of a 502 it may be cached all the same, because FALLBACK_S is short.
  const status = statusOf(refusal);
  const isCacheable = status === 502 || isCertain(refusal);
  const caching = isCacheable ? limitedCaching(options.maxAge, terms, now) : "no-store";
  headers.set("cache-control", caching);

  return { kind: "shown", answer: new Response(body, { status, headers }) };
}
