// Purges the cache of the entrypoint that makes renditions (W10).

import { LATE, within } from "../base/time-limit.ts";
import { type Loopback, NO_CACHE, type PurgeOptions, type PurgeResult } from "../cache/loopback.ts";
import { type Hindrance, hindrance } from "./hindrance.ts";

/** The limits of W10 are those of the Free plan: five calls a minute after a burst of 25. */
const LIMITED = /\b429\b|rate.?limit|too many/i;

/**
 * @param loopback undefined: there is no such cache, and nothing to purge
 * @param deadline ms since 1970
 * @returns undefined if it is done
 */
export async function purgeKept(
  loopback: Loopback | undefined,
  options: PurgeOptions,
  deadline: number,
): Promise<Hindrance | undefined> {
  if (!loopback) return undefined;
  const left = deadline - Date.now();
  if (left <= 0) return hindrance("late", "cache: no time was left to purge it");
  try {
    const result = await within(left, loopback.purge(options));
    if (result === LATE) return hindrance("late", "cache: it does not answer in time");
    // Where nothing is kept, nothing old can be shown.
    const isOff = result.errors.some(({ message }) => message === NO_CACHE.message);
    return result.success || isOff ? undefined : refused(textOf(result));
  } catch (error) {
    return refused(`${error}`);
  }
}

function textOf({ errors }: PurgeResult): string {
  return errors.map(({ code, message }) => `${message} (${code})`).join("; ");
}

/** How much of what the cache says is told: characters. */
const LONGEST_REASON = 200;

function refused(text: string): Hindrance {
  if (LIMITED.test(text)) {
    return hindrance("limited", "cache: five calls a minute are allowed after a burst of 25");
  }
  return hindrance("failed", `cache: ${text.slice(0, LONGEST_REASON)}`);
}
