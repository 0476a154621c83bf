// The cases that npm run bench:cost compares, and in which ways Workers Cache may behave (open).

import type { Scenario } from "./pipeline.ts";
import type { CacheRules } from "./tiers.ts";

export type Case = Pick<Scenario, "events"> & {
  readonly name: string;
  /** False: S3 sends no cache-control, and the edge keeps an original for an hour (C1). */
  readonly hasMaxAge: boolean;
  /** In seconds. */
  readonly keep: number;
};

/** How Workers Cache may behave: where Renditions runs (W5), and what is evicted early. */
export type Reading = Pick<CacheRules, "runsIn" | "evictAfter">;

const DAY = 86_400;
const WEEK = 7 * DAY;

/** `stale` and `stale_if_error` of `[vars.ANSWERS]`, by default. */
const STALE = { stale: WEEK, staleIfError: WEEK };

/** What is evicted: nothing, or what nobody asked for in a week or in a day. W5 matters little, so not all pairs. */
const READINGS: readonly Reading[] = [
  { runsIn: "upper" },
  { runsIn: "visitor" },
  { runsIn: "visitor", evictAfter: WEEK },
  { runsIn: "visitor", evictAfter: DAY },
];

export const DEFAULT_CASE = "keep 300 s";

export const CASES: readonly Case[] = [
  ...Object.entries({ "300 s": 300, "an hour": 3600, "a week": WEEK }).flatMap(([title, keep]) => [
    { name: `keep ${title}`, keep, events: false, hasMaxAge: false },
    { name: `keep ${title}, events`, keep, events: true, hasMaxAge: false },
  ]),
  { name: "keep 300 s, max-age", keep: 300, events: false, hasMaxAge: true },
  { name: "keep 0", keep: 0, events: false, hasMaxAge: false },
  { name: "keep 0, max-age", keep: 0, events: false, hasMaxAge: true },
];

/** Without the cache there is one: the gateway runs in the visitor's place. */
export function readingsOf({ keep }: Case): readonly Reading[] {
  return keep === 0 ? [{ runsIn: "visitor" }] : READINGS;
}

/** @param maxAge of the objects, in seconds */
export function scenarioOf(
  { keep, events, hasMaxAge }: Case,
  reading: Reading,
  maxAge: number,
): Scenario {
  const cacheControl = hasMaxAge ? `max-age=${maxAge}` : null;
  return { cacheControl, events, ...(keep > 0 && { cache: { ...STALE, ...reading, keep } }) };
}
