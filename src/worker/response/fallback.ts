// The fallback of a route: the image that it shows where it cannot show the requested one. The fallback has the status
// that the refusal would have without it, so that apps and monitors see what is wrong. A fallback has no fallback.

import type { RenderResult } from "../cache/cached-answer.ts";
import type { RenditionId, RenditionIds } from "../cache/rendition-url.ts";
import type { BoundRoute } from "../config/routes.ts";
import { isCertain, type Refusal } from "../http/refusal.ts";
import { logRefusal } from "../log/log.ts";
import { type ImageOptions, imageAnswer, limitedCaching, statusOf, type Terms } from "./answer.ts";

/**
 * A request that gets no image of its own. Its `terms` apply to each answer to its URL: when its signature or cookie
 * expires, for example.
 */
type RefusedRequest = { readonly refusal: Refusal; readonly terms: Terms };

/** The answer with the fallback; or why there is none, for the log. The visitor then gets the refusal as a text. */
type FallbackOutcome =
  | { readonly kind: "shown"; readonly answer: Response }
  | { readonly kind: "refused"; readonly event: Refusal["event"] };

/**
 * Returns the rendition of the route's fallback: at the requested variant, in the formats that were accepted for it.
 * @param ids one for each object that the URL may show, in turn: none of them can be shown
 * @returns undefined if the route has no fallback, or if the fallback is one of these objects
 */
export function fallbackIdOf(
  { fallback }: Pick<BoundRoute, "fallback">,
  ids: RenditionIds,
): RenditionId | undefined {
  if (!fallback) return undefined;

  // A visitor may ask for the sizes of a picture as JSON, its facts, and must not get those of another picture.
  const [first] = ids;
  const isForFacts = first.formats === "facts";
  if (isForFacts) return undefined;

  const { bucket, key } = fallback;
  for (const id of ids) {
    const isFallback = id.bucket.baseUrl === bucket.baseUrl && id.key === key;
    if (isFallback) return undefined;
  }

  // The version in a signed URL is that of the requested object. So are the lifetimes of the route, which may promise that
  // its keys never change: the fallback may change, and other routes share it. So it has those of [vars.ANSWERS].
  return { ...first, bucket, key, version: undefined, lifetimes: undefined };
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
    // S3 refuses the slots, or key pairs, of the fallback's bucket. The log line of the request names only the
    // requested bucket, so this may be logged nowhere else.
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
  const noCondition = null;
  const { body, headers } = imageAnswer(untagged, noCondition, options, terms, now);

  // A 404 or 415 is certain if its cause is proved for this very object. Otherwise the requested image may be there at
  // any time, so no cache may keep its fallback. In place of a 502, it may always be cached, as FALLBACK_S is short.
  const status = statusOf(refusal);
  const isCacheable = status === 502 || isCertain(refusal);

  // For `maxAge`, and no longer than until the URL expires.
  const caching = isCacheable ? limitedCaching(options.maxAge, terms, now) : "no-store";
  headers.set("cache-control", caching);

  return { kind: "shown", answer: new Response(body, { status, headers }) };
}
