// Purges an older picture from Workers Cache that a run of the cached entrypoint has found out of date, and cannot
// replace: its object is gone or denied, or the edge (Cloudflare's image service) does not transform where this run is (W13
// in docs/rules.md). Otherwise the cache would show the picture for as long as the setting `stale` allows, and every other
// variant of the object for as long as `keep` allows.
//
// Workers Cache takes five purges a minute (W10), and an operator needs them, too. So an isolate sends a few at most. After
// a mass deletion, the other pictures go when somebody next asks for them.

import { detailsOf, type Refusal } from "../http/refusal.ts";
import type { Context } from "../http/send.ts";
import { logNotice } from "../log/log.ts";
import { countForLog, isWithin, type LogCount } from "../util/time.ts";
import { purgeObject } from "./purge-object.ts";
import type { RenditionId } from "./rendition-url.ts";

/** The purges of one minute. */
type PurgeMinute = {
  /** When the minute began: ms since 1970. */
  readonly since: number;
  readonly times: number;
};

const MINUTE_MS = 60_000;

/** Why the older picture must not be shown any more. */
type Cause = "gone" | "not-renewed";

/**
 * An isolate sends so many purges in a minute. If an object is gone or denied, the refusal takes the place of the picture in
 * the cache, and only the other variants need the purge. So one purge is enough: anybody can ask for many such objects.
 */
const MAX_PURGES = { gone: 1, "not-renewed": 5 } as const satisfies Record<Cause, number>;

/** Counts a purge that begins now. @returns undefined if the minute has had all of its purges */
function countPurge(
  minute: PurgeMinute | undefined,
  cause: Cause,
  now: number,
): PurgeMinute | undefined {
  const isGoingOn = isWithin(MINUTE_MS, minute?.since, now);
  if (!minute || !isGoingOn) return { since: now, times: 1 };

  return minute.times < MAX_PURGES[cause] ? { ...minute, times: minute.times + 1 } : undefined;
}

/** By `env`, which is one object in each isolate. */
const minutes = new WeakMap<object, PurgeMinute>();
const logCounts = new WeakMap<object, LogCount>();

/**
 * How long the answer of this run may take through the tiers of the cache (W5): ms. A tier may answer with its older picture
 * in place of a failure, and the tier below then stores that picture. An earlier purge would leave the picture there.
 */
const ANSWER_MS = 500;

/** Purges all renditions of an object after the answer, unless this minute has had enough purges. */
export async function purgeOlder(
  { bucket, key }: RenditionId,
  cause: Cause,
  env: object,
  context: Context,
): Promise<void> {
  const minute = countPurge(minutes.get(env), cause, Date.now());
  if (!minute) return;

  minutes.set(env, minute);
  await scheduler.wait(ANSWER_MS);
  await purgeObject(bucket, key, context);
}

/** Logs once a minute that pictures could not be made behind the cache. The next visitors of these pictures wait for them. */
export function reportNotRenewed(
  { bucket, key }: RenditionId,
  refusal: Refusal,
  env: object,
): void {
  const { times, shouldLog, logCount } = countForLog(logCounts.get(env), Date.now());
  logCounts.set(env, logCount);
  if (!shouldLog) return;

  const { reason = "the edge does not transform" } = detailsOf(refusal);
  logNotice({ event: "stale-purged", bucket: bucket.name, key, reason, times });
}
