// What the cached entrypoint answers: an image or a refusal, with how long Cloudflare keeps it. Pure.

import { isCertain, type Refusal } from "../base/refusal.ts";
import type { Answers } from "../config/config.ts";
import { passedHeaders } from "../edge/passed-headers.ts";
import type { Rendition } from "../edge/rendition.ts";

export const STANDS_IN = "vitrine-stands-in";

/** For how long a missing object, and what stands in for an image, may be kept: s. */
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
 * The answer with a refusal. Only a missing object is kept, if S3 said so of this very URL now. What is
 * not certain is a 502: an older image may be shown in its place (W8).
 * @param tags by which a missing object can be purged, once it is there
 */
export function keptRefusal(refusal: Refusal, tags: readonly string[]): Response {
  const isMissing = refusal.event === "object-missing" || refusal.event === "object-denied";
  const isKept = isMissing && isCertain(refusal);
  return new Response(JSON.stringify(refusal), {
    status: isKept ? 404 : isCertain(refusal) ? 415 : 502,
    headers: {
      "content-type": "application/json",
      "cache-control": isKept ? `public, max-age=${SHORT_S}, ${NO_LONGER}` : "no-store",
      ...(isKept && { "cache-tag": tags.join(",") }),
    },
  });
}
