// The cases that npm run bench:cost compares.

import type { DesignName } from "./designs.ts";
import type { CacheRules } from "./tiers.ts";

export type Case = {
  readonly name: string;
  readonly design: DesignName;
  /** False: S3 sends no cache-control, and the edge keeps objects for an hour (C1). */
  readonly maxAge: boolean;
  /** Left out: `keep` is 0. */
  readonly cache?: CacheRules;
  /** Whether the chart has it. */
  readonly isInChart: boolean;
};

const HOUR = 3600;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const MONTH = 30 * DAY;

/** `stale` and `stale_if_error` of `[vars.ANSWERS]`, by default. */
const USUAL = { stale: WEEK, staleIfError: WEEK };
const HOURLY = { ...USUAL, keep: HOUR };
const WEEKLY = { ...USUAL, keep: WEEK };

const common = { design: "vitrine", maxAge: true, isInChart: true } as const;
const noMaxAge = { ...common, maxAge: false, isInChart: false } as const;

export const WITHOUT_CACHE = "Vitrine without the cache";
export const PRESIGNED = "Presigned URLs";

export const CASES: readonly Case[] = [
  { ...common, name: WITHOUT_CACHE },
  ...cached("upper tier", "upper"),
  ...cached("visitor's place", "visitor"),
  { ...noMaxAge, name: `${WITHOUT_CACHE}, no max-age`, isInChart: true },
  {
    ...noMaxAge,
    name: "Vitrine, upper tier, keep an hour, no max-age",
    cache: { ...HOURLY, runsIn: "upper" },
  },
  {
    ...noMaxAge,
    name: "Vitrine, visitor's place, keep an hour, no max-age",
    cache: { ...HOURLY, runsIn: "visitor" },
  },
  {
    ...noMaxAge,
    name: "Vitrine, visitor's place, keep a week, no max-age",
    cache: { ...WEEKLY, runsIn: "visitor" },
  },
  { ...common, name: "Free widths", design: "free" },
  { ...common, name: PRESIGNED, design: "presigned" },
];

/** The cases that also have an outage. */
export const WITH_OUTAGE = CASES.filter(({ design, maxAge }) => design === "vitrine" && maxAge);

/** @param place where the entrypoint runs (W5), in words */
function cached(place: string, runsIn: CacheRules["runsIn"]): readonly Case[] {
  const kept = {
    "an hour": HOURLY,
    "a day": { ...USUAL, keep: DAY },
    "a week": WEEKLY,
    "a week, stale a month": { ...WEEKLY, stale: MONTH },
  };
  return Object.entries(kept).map(([title, rules]) => ({
    ...common,
    name: `Vitrine, ${place}, keep ${title}`,
    cache: { ...rules, runsIn },
    isInChart: rules.stale === WEEK, // the bill is the same
  }));
}
