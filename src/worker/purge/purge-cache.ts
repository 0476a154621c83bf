// Drops renditions from Workers Cache by tag (W10), and nothing else: a replaced object is another source for
// the edge.

import { TIMED_OUT, withTimeout } from "../base/time.ts";
import { type GatewayContext, NO_CACHE, type PurgeOptions } from "../cache/loopback.ts";
import { bucketTag, objectTag } from "../cache/rendition-url.ts";
import type { Bucket } from "../config/bucket.ts";
import { logNotPurged, type PurgeResults, type UpstreamFailure } from "./report.ts";
import type { Target } from "./targets.ts";

const TOO_LATE: UpstreamFailure = {
  ...{ status: 503, retryAfter: 10 },
  reason: "cache: it does not answer in time",
};
const LIMITED: UpstreamFailure = {
  ...{ status: 429, retryAfter: 60 },
  reason: "cache: five calls a minute are allowed after a burst of 25",
};

/** The request on whose behalf the cache is asked. */
export type PurgeScope = {
  readonly context: GatewayContext;
  /** Until when its caller waits: ms since 1970. */
  readonly deadline: number;
};

/** W10. Tags a call. */
const MAX_TAGS = 100;

/** Drops objects, one call after the other until one fails. Those that were dropped since need no call. */
export async function purgeObjects(
  targets: readonly Target[],
  scope: PurgeScope,
): Promise<PurgeResults> {
  const isLimited = ({ bucket }: Target) => purgeStateOf(bucket).isLimited;
  const left = targets.filter((one) => !isDroppedSince(purgeStateOf(one.bucket), one.changed));
  const whole = left.filter(isLimited);
  const single = left.filter((target) => !isLimited(target));
  const results = new Map<string, UpstreamFailure | undefined>();
  let failure: UpstreamFailure | undefined;
  if (whole.length > 0) {
    const tags = new Set(await Promise.all(whole.map(({ bucket }) => bucketTag(bucket))));
    failure = await callCache({ tags: [...tags] }, whole, true, scope);
    for (const { url } of whole) results.set(url, failure);
  }
  for (let at = 0; at < single.length; at += MAX_TAGS) {
    const some = single.slice(at, at + MAX_TAGS);
    const tags = await Promise.all(some.map(({ bucket, key }) => objectTag(bucket, key)));
    failure ??= await callCache({ tags }, some, false, scope);
    for (const { url } of some) results.set(url, failure);
  }
  return results;
}

/** @param isWhole whether the call drops all of the buckets, and not only these objects */
export async function callCache(
  options: PurgeOptions,
  dropped: readonly Pick<Target, "bucket" | "name">[],
  isWhole: boolean,
  scope: PurgeScope,
): Promise<UpstreamFailure | undefined> {
  const at = Date.now();
  const failure = await askCache(options, scope);
  // The log has the limit once, until the buckets are dropped.
  const isKnown = dropped.every(({ bucket }) => purgeStateOf(bucket).isLimited);
  for (const { bucket } of dropped) {
    if (failure === LIMITED) learnPurge(bucket, { type: "limited" });
    else if (!failure && isWhole) learnPurge(bucket, { type: "dropped", at });
  }
  const names = dropped.map(({ name }) => name);
  if (failure && !(failure === LIMITED && isKnown)) logNotPurged(failure.reason, names);
  return failure;
}

async function askCache(
  options: PurgeOptions,
  { context, deadline }: PurgeScope,
): Promise<UpstreamFailure | undefined> {
  const loopback = context.exports?.Renditions;
  const left = deadline - Date.now();
  if (!loopback) return undefined; // nothing is kept, so nothing old can be shown
  if (left <= 0) return TOO_LATE;
  try {
    const result = await withTimeout(left, loopback.purge(options));
    if (result === TIMED_OUT) return TOO_LATE;
    const { success, errors } = result;
    if (success || errors.some(({ message }) => message === NO_CACHE.message)) return undefined;
    return failureOf(errors.map(({ code, message }) => `${message} (${code})`).join("; "));
  } catch (error) {
    return failureOf(`${error}`);
  }
}

/** W10 names no code. */
const RATE_LIMIT = /\b429\b|rate.?limit|too many/i;
const MAX_REASON = 200; // characters

function failureOf(text: string): UpstreamFailure {
  if (RATE_LIMIT.test(text)) return LIMITED;
  return { status: 502, retryAfter: 30, reason: `cache: ${text.slice(0, MAX_REASON)}` };
}

type PurgeState = {
  /** Whether the limit has refused a call since the bucket's tag was dropped. */
  readonly isLimited: boolean;
  /** When the bucket's tag was last dropped: ms since 1970. */
  readonly droppedAt?: number;
};

/** `at` is when the call began. */
type PurgeEvent = { readonly type: "limited" } | { readonly type: "dropped"; readonly at: number };

/** EventBridge's times have no fraction of a second, and the clocks of S3 and Cloudflare differ: ms. */
const CLOCKS_MS = 5_000;

export const NO_PURGES: PurgeState = { isLimited: false };

export function advance(state: PurgeState, event: PurgeEvent): PurgeState {
  if (event.type === "limited") return { ...state, isLimited: true };
  return { isLimited: false, droppedAt: event.at };
}

/** Returns whether the bucket was dropped after a change, so that its event needs no call. */
export function isDroppedSince({ droppedAt }: PurgeState, changed: number | undefined): boolean {
  return droppedAt !== undefined && changed !== undefined && changed < droppedAt - CLOCKS_MS;
}

type Known = Pick<Bucket, "base">;
const states = new WeakMap<Known, PurgeState>();

export function purgeStateOf(bucket: Known): PurgeState {
  return states.get(bucket) ?? NO_PURGES;
}

export function learnPurge(bucket: Known, event: PurgeEvent): void {
  states.set(bucket, advance(purgeStateOf(bucket), event));
}
