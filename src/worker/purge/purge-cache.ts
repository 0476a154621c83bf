// Drops renditions from Workers Cache by tag (W10), and nothing else: a replaced object is another source for
// the edge.

import { logNotice } from "../base/log.ts";
import { LATE, within } from "../base/time-limit.ts";
import { type Loopback, NO_CACHE, type PurgeOptions } from "../cache/loopback.ts";
import { bucketTag, objectTag } from "../cache/tags.ts";
import { learnPurge, purgeStateOf } from "./purge-state.ts";
import { noticeOf, type PurgeResults, type UpstreamFailure } from "./report.ts";
import type { Target } from "./targets.ts";

export const TIMED_OUT: UpstreamFailure = {
  ...{ status: 503, retryAfter: 10 },
  reason: "cache: it does not answer in time",
};
const LIMITED: UpstreamFailure = {
  ...{ status: 429, retryAfter: 60 },
  reason: "cache: five calls a minute are allowed after a burst of 25",
};

/** W10. Tags a call. */
const MAX_TAGS = 100;

/** Drops objects, one call after the other until one fails. @param deadline ms since 1970 */
export async function purgeObjects(
  targets: readonly Target[],
  loopback: Loopback | undefined,
  deadline: number,
): Promise<PurgeResults> {
  const isLimited = ({ bucket }: Target) => purgeStateOf(bucket).isLimited;
  const whole = targets.filter(isLimited);
  const single = targets.filter((target) => !isLimited(target));
  const results = new Map<string, UpstreamFailure | undefined>();
  let failure: UpstreamFailure | undefined;
  if (whole.length > 0) {
    const tags = new Set(await Promise.all(whole.map(({ bucket }) => bucketTag(bucket))));
    failure = await callCache(loopback, { tags: [...tags] }, whole, true, deadline);
    for (const { url } of whole) results.set(url, failure);
  }
  for (let at = 0; at < single.length; at += MAX_TAGS) {
    const some = single.slice(at, at + MAX_TAGS);
    const tags = await Promise.all(some.map(({ bucket, key }) => objectTag(bucket, key)));
    failure ??= await callCache(loopback, { tags }, some, false, deadline);
    for (const { url } of some) results.set(url, failure);
  }
  return results;
}

/**
 * @param loopback undefined: there is no such cache, and nothing to drop
 * @param isWhole whether the call drops all of the buckets
 */
export async function callCache(
  loopback: Loopback | undefined,
  options: PurgeOptions,
  dropped: readonly Pick<Target, "bucket" | "name">[],
  isWhole: boolean,
  deadline: number,
): Promise<UpstreamFailure | undefined> {
  const at = Date.now();
  const failure = loopback && (await askCache(loopback, options, deadline - at));
  for (const { bucket } of dropped) {
    if (failure === LIMITED) learnPurge(bucket, { type: "limited" });
    else if (!failure && isWhole) learnPurge(bucket, { type: "dropped", at });
  }
  if (failure)
    logNotice(
      noticeOf(
        failure.reason,
        dropped.map(({ name }) => name),
      ),
    );
  return failure;
}

async function askCache(
  loopback: Loopback,
  options: PurgeOptions,
  ms: number,
): Promise<UpstreamFailure | undefined> {
  try {
    const result = ms > 0 ? await within(ms, loopback.purge(options)) : LATE;
    if (result === LATE) return TIMED_OUT;
    const { success, errors } = result;
    // Where nothing is kept, nothing old can be shown.
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
