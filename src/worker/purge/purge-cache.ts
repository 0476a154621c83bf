// Drops renditions from Workers Cache by tag (W10), and nothing else: a replaced object is another source for
// the edge.

import { type GatewayContext, NO_CACHE, type PurgeOptions } from "../cache/loopback.ts";
import { objectTag } from "../cache/rendition-url.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import type { PurgeResults, UpstreamFailure } from "./report.ts";
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

/** Drops objects, one call after the other until one fails. */
export async function purgeObjects(
  targets: readonly Target[],
  scope: PurgeScope,
): Promise<PurgeResults> {
  const results = new Map<string, UpstreamFailure | undefined>();
  let failure: UpstreamFailure | undefined;
  for (let at = 0; at < targets.length; at += MAX_TAGS) {
    const some = targets.slice(at, at + MAX_TAGS);
    const tags = await Promise.all(some.map(({ bucket, key }) => objectTag(bucket, key)));
    failure ??= await callCache({ tags }, scope);
    for (const { url } of some) results.set(url, failure);
  }
  return results;
}

export async function callCache(
  options: PurgeOptions,
  { context, deadline }: PurgeScope,
): Promise<UpstreamFailure | undefined> {
  const loopback = context.exports?.Renditions;
  if (!loopback) return undefined; // nothing is kept, so nothing old can be shown
  try {
    const result = await withTimeout(deadline - Date.now(), loopback.purge(options));
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
