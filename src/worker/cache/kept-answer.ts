// What the cached entrypoint answers: an image or a refusal, with how long Cloudflare keeps it. Pure.

import { isCertain, type Refusal } from "../base/refusal.ts";
import type { Answers } from "../config/config.ts";
import { passedHeaders } from "../edge/passed-headers.ts";
import type { Rendition } from "../edge/rendition.ts";

export const STANDS_IN = "vitrine-stands-in";

/** For how long a missing or broken object, and what stands in for an image, may be kept: s. */
const SHORT_S = 60;

/** Neither is shown longer than that, also if it cannot be made anew (W8). */
const NO_LONGER = "must-revalidate";

/** The answer with an image, or with facts. @param tags by which it can be purged (W10) */
export function keptImage(
  { headers, body, type, standsIn }: Rendition,
  { keep, stale, stale_if_error }: Answers,
  tags: readonly string[],
): Response {
  const caching = standsIn
    ? `max-age=${Math.min(keep, SHORT_S)}, ${NO_LONGER}`
    : `max-age=${keep}, stale-while-revalidate=${stale}, stale-if-error=${stale_if_error}`;
  return new Response(body, {
    headers: {
      ...passedHeaders(headers, standsIn),
      "content-type": type,
      "cache-control": `public, ${caching}`,
      "cache-tag": tags.join(","),
      ...(standsIn && { [STANDS_IN]: "1" }),
    },
  });
}

/**
 * The answer with a refusal. A missing object is kept, if S3 said so of this very URL now, and an object that
 * is no image: else each visitor would have it fetched again. A 502 is not: an older image may be shown in
 * its place (W8).
 * @param tags by which the refusal can be purged, once the object is there, or repaired
 * @param hasOlder whether the cache still has an older image, so that it asks with its tag. A guess does not
 *   take it away
 */
export function keptRefusal(
  refusal: Refusal,
  tags: readonly string[],
  hasOlder: boolean,
): Response {
  const { event } = refusal;
  const isMissing = event === "object-missing" || event === "object-denied";
  const isUnreadable = event === "source-unreadable";
  const isKept = isCertain(refusal) ? isMissing || isUnreadable : isUnreadable && !hasOlder;
  return new Response(JSON.stringify(refusal), {
    status: !isKept ? 502 : isMissing ? 404 : 415,
    headers: {
      "content-type": "application/json",
      "cache-control": isKept ? `public, max-age=${SHORT_S}, ${NO_LONGER}` : "no-store",
      ...(isKept && { "cache-tag": tags.join(",") }),
    },
  });
}
