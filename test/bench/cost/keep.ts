// The numbers behind the default of `keep`: the fourth month of the site of docs/costs.md, with a store, for several values,
// with and without events. All runs have the same views and replacements.

import { money } from "../../../src/cli/config/transformations.ts";
import { count } from "../../../src/cli/terminal/progress.ts";
import { markdownTable } from "../../support/markdown-table.ts";
import { billOf, eventBillOf, totalOf } from "./prices.ts";
import { AFTER } from "./rules.ts";
import { type Album, type Counts, SEED, simulate } from "./simulate.ts";
import { elementAt, type Site } from "./site.ts";
import { percents, range, type Table } from "./tables.ts";
import { countFirstViews, DAY, HOUR, MONTH } from "./trace.ts";
import { type CacheRules, EVICTS_NOTHING } from "./workers-cache.ts";

const WEEK = 7 * DAY;

const KEEPS = [
  { name: "300 s", keep: 300 },
  { name: "an hour", keep: HOUR },
  { name: "a day", keep: DAY },
  { name: "a week", keep: WEEK },
  { name: "30 days", keep: MONTH },
];

/**
 * What Workers Cache evicts is not known: nothing, or each entry a day after its bytes came. The second is worse than to
 * evict what nobody has asked for in a day: such an entry is older than a day, too, and the popular ones go besides.
 */
const EVICTIONS = [EVICTS_NOTHING, { ...EVICTS_NOTHING, evictAllAfter: DAY }] as const;

/** The month that is counted. Before it, caches and store fill. */
const MONTHS = 4;

export type KeepRun = { readonly cache: CacheRules; readonly hasEvents: boolean };

/**
 * All runs, in the order of the table: each row has one for each of EVICTIONS. Where no entry gets as old as `keep`, a longer
 * one changes nothing, so some runs are equal.
 */
export const KEEP_RUNS: readonly KeepRun[] = rowsOfTable().flatMap(({ keep, hasEvents }) =>
  EVICTIONS.map((eviction) => {
    const longestKeep = Math.min(keep, eviction.evictAllAfter);
    return { cache: { ...eviction, keep: longestKeep, stale: WEEK }, hasEvents };
  }),
);

export type KeepResult = {
  readonly counts: Counts;
  /** How long an object had been replaced when a view showed the older one: the middle, and the longest. Seconds. */
  readonly oldFor: { readonly median: number; readonly longest: number } | undefined;
  /** Until an event's purge held, at most: seconds. undefined: there are no events. */
  readonly longestWait: number | undefined;
};

export function runKeep(site: Site, album: Album, { cache, hasEvents }: KeepRun): KeepResult {
  const scenario = { site, months: MONTHS, rules: AFTER, hasStore: true, cache, hasEvents };
  const { months, oldFor, longestWait } = simulate(scenario, album);
  return {
    counts: elementAt(months, MONTHS - 1),
    oldFor: summaryOf(elementAt(oldFor, MONTHS - 1)),
    longestWait,
  };
}

/** @param seconds in order */
function summaryOf(seconds: readonly number[]): KeepResult["oldFor"] {
  const longest = seconds.at(-1);
  if (longest === undefined) return;
  return { median: elementAt(seconds, Math.floor(seconds.length / 2)), longest };
}

function rowsOfTable() {
  return [false, true].flatMap((hasEvents) => {
    const ending = hasEvents ? ", events" : "";
    return KEEPS.map(({ name, keep }) => {
      return { name, title: `${name}${ending}`, keep, hasEvents };
    });
  });
}

/** @param results of KEEP_RUNS, in their order */
export function keepTables(site: Site, results: readonly KeepResult[]): Table[] {
  return [
    { page: "docs/cache.md", lines: waitTable(results) },
    { page: "docs/costs.md", lines: keepTable(results) },
    { page: "docs/costs.md", lines: firstViewTable(site) },
    { page: "docs/costs.md", lines: eventTable() },
  ];
}

/** How many views ask and wait, with events and where nothing is evicted: the figures by which to choose a `keep`. */
function waitTable(results: readonly KeepResult[]): string[] {
  const rows: string[][] = [];
  for (const [index, { name, hasEvents }] of rowsOfTable().entries()) {
    if (!hasEvents) continue;

    // The first of EVICTIONS evicts nothing.
    const { counts } = elementAt(results, index * EVICTIONS.length);
    const { views, runs, waitedForS3, waitedForEdge } = counts;
    const waited = waitedForS3 + waitedForEdge;
    rows.push([name, percents(runs / views), percents(waited / views)]);
  }

  const head = ["`keep`, with events", "ask S3", "wait for S3, the store or the edge"];
  return markdownTable(head, rows);
}

function keepTable(results: readonly KeepResult[]): string[] {
  const rows = rowsOfTable().map(({ title }, index) => {
    const start = index * EVICTIONS.length;
    return keepRow(title, results.slice(start, start + EVICTIONS.length));
  });

  return markdownTable(
    [
      ...["`keep`, with a store", "asked S3", "waited for S3 or the store", "waited for the edge"],
      ...["older ones seen", "half of them within", "the last one after", "the bill"],
    ],
    rows,
  );
}

/** What no `keep` saves. */
function firstViewTable(site: Site): string[] {
  const { views, anywhere, inPlace } = countFirstViews(site, SEED, MONTHS);
  return markdownTable(
    ["the first views", "of all", "who answers"],
    [
      ["of a rendition anywhere", percents(anywhere / views), "S3 and the edge"],
      ["in a place, of one that another place has", percents(inPlace / views), "the upper tier"],
    ],
  );
}

function keepRow(title: string, results: readonly KeepResult[]): string[] {
  const share = (name: keyof Counts) => {
    const shares = results.map(({ counts }) => counts[name] / counts.views);
    return range(shares, percents);
  };
  const seen = results.map(({ counts }) => counts.replaced);
  const bills = results.map(({ counts }) => totalOf(billOf(counts, "s3")));
  return [
    title,
    share("runs"),
    share("waitedForS3"),
    share("waitedForEdge"),
    range(seen, count),
    ...oldCells(results),
    range(bills, money),
  ];
}

/** With events, an older picture ends with the purge, whether or not somebody saw it. */
function oldCells(results: readonly KeepResult[]): string[] {
  const waits = results.flatMap(({ longestWait }) => longestWait ?? []);
  if (waits.length > 0) return ["", range(waits, seconds)];

  const ages = results.flatMap(({ oldFor }) => oldFor ?? []);
  const medians = ages.map(({ median }) => median);
  const longest = ages.map((age) => age.longest);
  return [range(medians, hours), range(longest, hours)];
}

function seconds(value: number): string {
  return `${Math.round(value)} s`;
}

function hours(value: number): string {
  return `${count(Math.round(value / HOUR))} h`;
}

/** What events cost by themselves. */
export function eventTable(): string[] {
  const rows = [1_000, 10_000, 100_000, 1_000_000].map((events) => {
    const { operations, lists, queue, store } = eventBillOf(events);
    const cells = [count(events), count(operations), money(queue), count(lists), money(store)];
    return [...cells, money(queue + store)];
  });
  return markdownTable(
    ["events a month", "operations of the queue", "cost", "lists of the store", "cost", "in all"],
    rows,
  );
}
