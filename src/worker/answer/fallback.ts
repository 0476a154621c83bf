import { logRefusal, type Subject } from "../base/log.ts";
import { isRefusal, type Refusal } from "../base/refusal.ts";
import type { Bucket } from "../config/bucket.ts";
import type { Print } from "../edge/rendition.ts";
import { imageHeaders, refusalAnswer, shortly, type Terms } from "./answer.ts";

/** The one object that a route shows where it cannot show another. */
export type Fallback = {
  readonly bucket: Bucket;
  /** Its URL at the origin. */
  readonly url: string;
};

/**
 * Seconds that it may be kept, by the status of the answer that it takes the place of: no other has
 * one. What is wrong behind the Worker may be over soon.
 */
const SECONDS: Readonly<Record<number, number>> = { 404: 60, 415: 60, 502: 10 };

/**
 * Shows the fallback where an object could not be shown, under the status that there would be without
 * it. It is tried once; what it fails of itself is for the log alone.
 * @param make has a print of it made
 * @param negotiated true where another visitor may get another format
 * @returns undefined where the plain answer is to be given
 */
export async function showFallback(
  refusal: Refusal,
  { bucket, url }: Fallback,
  make: (bucket: Bucket, url: string) => Promise<Print | Refusal>,
  negotiated: boolean,
  { subject, terms }: { readonly subject: Subject; readonly terms: Terms },
): Promise<Response | undefined> {
  const began = Date.now();
  const { status } = refusalAnswer(refusal, terms, began);
  const maxAge = SECONDS[status];
  if (maxAge === undefined) return undefined;
  const print = await make(bucket, url);
  if (isRefusal(print)) {
    subject.fallback = print.event;
    // Of keys that are dead the log is told once a while, and perhaps nothing else asks that bucket.
    if (print.event === "slots-refused") {
      logRefusal(print, { bucket: bucket.name }, refusalAnswer(print, terms, began).status);
    }
    return undefined;
  }
  subject.fallback = "shown";
  const now = Date.now();
  const shown = { type: print.type, negotiated, maxAge, took: now - began };
  // None of the edge's: conditions are for what would be a 2xx (RFC 9110), and it is another object's tag.
  const headers = imageHeaders(new Headers(), shown, terms, now);
  headers["cache-control"] = shortly(maxAge, terms, now);
  return new Response(print.body, { status, headers });
}
