// The cases that npm run bench:cost compares, and what is open of Workers Cache.

import type { EdgeRules, Scenario } from "./pipeline.ts";

export type Case = Pick<Scenario, "events" | "store"> & {
  readonly name: string;
  /** In seconds. */
  readonly keep: number;
  /** The months that are reported. 1: the first one. */
  readonly months: readonly number[];
};

const DAY = 86_400;
const WEEK = 7 * DAY;

/** `stale` and `stale_if_error` of `[vars.ANSWERS]`, by default. */
const STALE = { stale: WEEK, staleIfError: WEEK };

export const DEFAULT_CASE = "store";

export const CASES: readonly Case[] = [
  { name: DEFAULT_CASE, keep: 300, store: true, events: false, months: [1, 2, 4, 12] },
  { name: "no store", keep: 300, store: false, events: false, months: [1, 2, 4] },
  { name: "store, keep a week, events", keep: WEEK, store: true, events: true, months: [4] },
  { name: "store, keep 0", keep: 0, store: true, events: false, months: [4] },
];

/** What Workers Cache evicts: nothing, or what nobody asked for in a week or in a day, in seconds. */
const EVICTIONS = [undefined, WEEK, DAY];

/** Whether S3 sends a cache-control, and where Renditions runs (W5). @param maxAge of the objects, in seconds */
export function edgesFor(maxAge: number): EdgeRules[] {
  const places = ["upper", "visitor"] as const;
  return [null, `max-age=${maxAge}`].flatMap((cacheControl) =>
    places.map((runsIn) => ({ cacheControl, runsIn })),
  );
}

type Run = { readonly scenario: Scenario; readonly months: readonly number[] };

/** One for each eviction; one if there is no cache. */
export function runsOf({ keep, events, store, months }: Case): Run[] {
  if (keep === 0) return [{ scenario: { events, store }, months }];
  return EVICTIONS.map((evictAfter) => ({
    scenario: { events, store, cache: { ...STALE, keep, evictAfter } },
    // A whole year takes long, and what is evicted no longer matters then.
    months: months.filter((month) => evictAfter === undefined || month <= 4),
  }));
}
