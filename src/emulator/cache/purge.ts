// A purge by the entrypoint itself: what it matches, why it is refused, and how often it is allowed (W10).
// No clock: `now` is passed in.

import type { PurgeOptions, PurgeResult } from "./entrypoint.ts";
import type { StoredResponse } from "./stored-response.ts";

/** How many tags one call may have (W10). */
const MAX_TAGS = 100;

/** Returns a filter for the stored responses that a purge removes: never those of an entrypoint with another name. */
export function purgeFilter(
  name: string,
  { tags = [], pathPrefixes = [], purgeEverything }: PurgeOptions,
): (stored: StoredResponse) => boolean {
  const lowerCaseTags = tags.map((tag) => tag.toLowerCase());

  return (stored) => {
    if (stored.source.name !== name) return false;
    if (purgeEverything === true) return true;
    if (lowerCaseTags.some((tag) => stored.tags.has(tag))) return true;
    return pathPrefixes.some((prefix) => stored.source.path.startsWith(prefix));
  };
}

/**
 * Returns why a purge is refused as a whole, or undefined. The codes are not documented: they are
 * those that Cloudflare's API has for a rate limit and for a malformed purge.
 * @param isInTime whether the rate limit allows another call
 */
export function purgeRefusalOf(options: PurgeOptions, isInTime: boolean): PurgeResult | undefined {
  const { tags = [], pathPrefixes = [], purgeEverything } = options;
  if (!isInTime) return refused(10_429, "Too many purges. Try again later.");

  if (tags.length > MAX_TAGS) {
    return refused(1_100, `At most ${MAX_TAGS} tags may be purged at once.`);
  }

  if (tags.length === 0 && pathPrefixes.length === 0 && purgeEverything !== true) {
    return refused(1_012, "Nothing to purge: name tags, pathPrefixes or purgeEverything.");
  }
  return undefined;
}

function refused(code: number, message: string): PurgeResult {
  return { success: false, errors: [{ code, message }] };
}

/** How many purges are allowed at once, and how many in each ms after them: five a minute (W10). */
const BURST = 25;
const PER_MS = 5 / 60_000;

/** Creates a function that returns whether one more purge is allowed now. */
export function createPurgeLimit(start: number): (now: number) => boolean {
  let remaining = BURST;
  let lastCall = start;

  return (now) => {
    const elapsed = Math.max(0, now - lastCall); // a clock that was set back adds no purge
    remaining = Math.min(BURST, remaining + elapsed * PER_MS);
    lastCall = now;

    if (remaining < 1) return false;
    remaining -= 1;
    return true;
  };
}
