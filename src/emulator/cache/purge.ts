// A purge by the entrypoint itself: what it means, and what refuses it (W10). No I/O.

import type { PurgeOptions, PurgeResult } from "./entrypoint.ts";
import type { Kept } from "./kept.ts";
import { spellTag } from "./tags.ts";

/** W10. Tags in a call. */
const MOST_TAGS = 100;

/** Returns what tells whether a kept response is to be dropped. Only those of the entrypoint `name` are. */
export function readPurge(
  name: string,
  { tags, pathPrefixes, purgeEverything }: PurgeOptions,
): (kept: Kept) => boolean {
  const spelled = (tags ?? []).map(spellTag);
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
  if (tags.length > MOST_TAGS)
    return refused(1_100, `At most ${MOST_TAGS} tags may be purged at once.`);
  if (tags.length === 0 && pathPrefixes.length === 0 && purgeEverything !== true) {
    return refused(1_012, "Nothing to purge: name tags, pathPrefixes or purgeEverything.");
  }
  return undefined;
}

function refused(code: number, message: string): PurgeResult {
  return { success: false, errors: [{ code, message }] };
}
