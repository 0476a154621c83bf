// A purge by the entrypoint itself: what it means, what refuses it, and how often it may be (W10).
// No clock: `now` is passed in.

import type { PurgeOptions, PurgeResult } from "./entrypoint.ts";
import type { Kept } from "./stored-response.ts";

/** W10. Tags in a call. */
const MAX_TAGS = 100;

/** Returns what tells whether a kept response is to be dropped. Only those of the entrypoint `name` are. */
export function readPurge(
  name: string,
  { tags, pathPrefixes, purgeEverything }: PurgeOptions,
): (kept: Kept) => boolean {
  const spelled = (tags ?? []).map((tag) => tag.toLowerCase());
  return (kept) =>
    kept.of.name === name &&
    (purgeEverything === true ||
      spelled.some((tag) => kept.tags.has(tag)) ||
      (pathPrefixes ?? []).some((prefix) => kept.of.path.startsWith(prefix)));
}

/**
 * Returns why a purge is refused as a whole, or undefined. The codes are not documented: they are
 * those that Cloudflare's API has for a rate limit and for a malformed purge.
 * @param isInTime whether the rate limit allows another call
 */
export function refusalOf(options: PurgeOptions, isInTime: boolean): PurgeResult | undefined {
  const { tags = [], pathPrefixes = [], purgeEverything } = options;
  if (!isInTime) return refused(10_429, "Too many purges. Try again later.");
  if (tags.length > MAX_TAGS)
    return refused(1_100, `At most ${MAX_TAGS} tags may be purged at once.`);
  if (tags.length === 0 && pathPrefixes.length === 0 && purgeEverything !== true) {
    return refused(1_012, "Nothing to purge: name tags, pathPrefixes or purgeEverything.");
  }
  return undefined;
}

function refused(code: number, message: string): PurgeResult {
  return { success: false, errors: [{ code, message }] };
}

const BURST = 25;
const PER_MS = 5 / 60_000;

/** Returns what tells whether one more purge is allowed now. A clock that was set back adds none. */
export function createPurgeLimit(start: number): (now: number) => boolean {
  let left = BURST;
  let at = start;
  return (now) => {
    left = Math.min(BURST, left + Math.max(0, now - at) * PER_MS);
    at = now;
    const isAllowed = left >= 1;
    left -= isAllowed ? 1 : 0;
    return isAllowed;
  };
}
