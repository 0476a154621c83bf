// The one image that a route shows where it cannot show another. Tried once.

import { isCertain, isRefusal, type Refusal } from "../http/refusal.ts";
import type { Rendition } from "../http/send.ts";
import { logRefusal, type Subject } from "../log/log.ts";
import { imageAnswer, limitedCaching, refusalAnswer, type Shown, type Terms } from "./answer.ts";

/**
 * For how long it may be kept: s, by the status of the answer that it replaces. Other answers have no
 * fallback. What is wrong behind the Worker may be over soon.
 */
const SECONDS: Readonly<Record<number, number>> = { 404: 60, 415: 60, 502: 10 };

/** What became of the fallback, for the log, and the answer if there is one. */
type FallbackOutcome = {
  readonly event: Subject["fallback"];
  readonly answer?: Response;
};

/** For how long a fallback may be kept in place of a refusal: s. Undefined: the refusal has none. */
export function fallbackSeconds(refusal: Refusal, terms: Terms): number | undefined {
  return SECONDS[refusalAnswer(refusal, terms, Date.now()).status];
}

/**
 * Shows the fallback under the status that the plain answer would have. Why it cannot be shown is for
 * the log alone.
 * @param fallback what was obtained
 * @param bucket the name of its bucket
 */
export function fallbackAnswer(
  refusal: Refusal,
  fallback: Rendition | Refusal | { readonly notModified: true },
  bucket: string,
  shown: Shown,
  terms: Terms,
): FallbackOutcome {
  const now = Date.now();
  const { status } = refusalAnswer(refusal, terms, now);
  if ("notModified" in fallback) throw new Error("a fallback is asked for without a condition");
  if (isRefusal(fallback)) {
    // Dead keys are logged once a minute, and perhaps nothing else asks this bucket.
    if (fallback.event === "slots-refused") {
      logRefusal(fallback, { bucket }, refusalAnswer(fallback, terms, now).status);
    }
    return { event: fallback.event };
  }
  // No tag: a condition is for a 2xx (RFC 9110), and it would name another object's image.
  const untagged = { ...fallback, etag: undefined };
  const { body, headers } = imageAnswer(untagged, null, shown, terms, now);
  const isKept = status === 502 || isCertain(refusal);
  headers.set("cache-control", isKept ? limitedCaching(shown.maxAge, terms, now) : "no-store");
  return { event: "shown", answer: new Response(body, { status, headers }) };
}
