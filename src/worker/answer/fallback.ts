// The one image that a route shows where it cannot show another. Tried once.

import { type CacheState, logRefusal, type Subject } from "../base/log.ts";
import { isCertain, isRefusal, type Refusal } from "../base/refusal.ts";
import type { Rendition } from "../edge/rendition.ts";
import { imageHeaders, refusalAnswer, shortly, type Terms } from "./answer.ts";

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

/** The fallback of a route, ready to be asked for. */
type ReadyFallback = {
  /** The name of its bucket. */
  readonly bucket: string;
  readonly obtain: () => Promise<{
    readonly made: Rendition | Refusal;
    readonly cache: CacheState;
  }>;
};

/**
 * Shows the fallback under the status that the plain answer would have. Why it cannot be shown is for
 * the log alone.
 * @param negotiated whether another visitor may get another format
 * @returns undefined where this refusal has no fallback
 */
export async function showFallback(
  refusal: Refusal,
  { bucket, obtain }: ReadyFallback,
  terms: Terms,
  negotiated: boolean,
): Promise<FallbackOutcome | undefined> {
  const began = Date.now();
  const { status } = refusalAnswer(refusal, terms, began);
  const maxAge = SECONDS[status];
  if (!maxAge) return undefined;

  const { made: rendition, cache } = await obtain();
  if (isRefusal(rendition)) {
    // Dead keys are logged once a minute, and perhaps nothing else asks this bucket.
    if (rendition.event === "slots-refused") {
      const answered = refusalAnswer(rendition, terms, began).status;
      logRefusal(rendition, { bucket }, answered);
    }
    return { event: rendition.event };
  }
  const now = Date.now();
  const shown = { type: rendition.type, negotiated, maxAge, cache, took: now - began };
  // None of the edge's headers: a condition is for a 2xx (RFC 9110), and its tag is another object's.
  const headers = imageHeaders(new Headers(), shown, terms, now);
  const isKept = status === 502 || isCertain(refusal);
  headers["cache-control"] = isKept ? shortly(maxAge, terms, now) : "no-store";
  return { event: "shown", answer: new Response(rendition.body, { status, headers }) };
}
