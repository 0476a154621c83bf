// The report of the simulated months: what visitors see, what it costs, and a file with all figures.

import { money } from "../../src/cli/config/transformations.ts";
import { count } from "../../src/cli/terminal/progress.ts";
import { CASES, type Case, edgesFor, runsOf } from "./cases.ts";
import type { EdgeRules, Scenario } from "./pipeline.ts";
import { type Bill, charge, PRICES, REQUEST_PRICE } from "./prices.ts";
import { type Month, type Result, simulateMonths } from "./simulate.ts";
import type { Settings } from "./trace.ts";

/** What came out of a case, with one eviction. */
type Outcome = { readonly scenario: Scenario; readonly months: readonly Month[] };

export type Row = Omit<Case, "months"> & { readonly outcomes: readonly Outcome[] };

export type Report = {
  readonly settings: Settings;
  /** Each result has these edges, in this order. */
  readonly edges: readonly EdgeRules[];
  readonly rows: readonly Row[];
};

/**
 * Runs all cases with the same months.
 * @param maxAge of the objects, where they have one: in seconds
 * @param step is called after each of `STEPS`
 */
export function compare(settings: Settings, maxAge: number, step: () => void = () => {}): Report {
  const edges = edgesFor(maxAge);
  const rows = CASES.map((one) => {
    const { name, keep, store, events } = one;
    const outcomes = runsOf(one).map(({ scenario, months }) => ({
      scenario,
      months: simulateMonths(settings, scenario, edges, months, step).map(rounded),
    }));
    return { name, keep, store, events, outcomes };
  });
  return { settings, edges, rows };
}

/** How often `compare` calls `step`: once a month. */
export const STEPS = CASES.flatMap(runsOf).reduce((sum, run) => sum + Math.max(...run.months), 0);

/** A row of the tables: a month of a case. */
type MonthOfCase = {
  readonly title: string;
  /** Where Workers Cache evicts nothing, and after a week and a day, as far as there are such. */
  readonly months: readonly Month[];
};

const ORDINALS: Readonly<Record<number, string>> = {
  ...{ 1: "first", 2: "second", 4: "fourth", 12: "twelfth" },
};

function monthsOf({ rows }: Report): MonthOfCase[] {
  return rows.flatMap(({ name, outcomes }) =>
    (outcomes[0]?.months ?? []).map(({ month }) => ({
      title: `${name}, ${ORDINALS[month] ?? `${month}.`} month`,
      months: outcomes.flatMap((one) => one.months.filter((other) => other.month === month)),
    })),
  );
}

export const VISITOR_HEADINGS = [
  ...["what visitors see", "fresh", "stale", "waited for S3 or the store", "waited for the edge"],
  ...["replaced pictures seen", "after at most", "without S3"],
];

/** One row a month, from the least to the most of all evictions. */
export function visitorRowsOf(report: Report): string[][] {
  return monthsOf(report).map(({ title, months }) => {
    const results = months.map(({ result }) => result);
    const share = (pick: (result: Result) => number) =>
      percents(results.map((result) => pick(result) / result.visits));
    const hours = Math.max(...results.map(({ replacedForHours }) => replacedForHours));
    return [
      title,
      share(({ fresh }) => fresh),
      share(({ stale }) => stale),
      share(({ waited, waitedForEdge }) => waited - waitedForEdge),
      share(({ waitedForEdge }) => waitedForEdge),
      counts(results.map(({ replacedShown }) => replacedShown)),
      `${count(Math.ceil(hours))} h`,
      // Before the first day of the first month, there was nothing to show.
      months.some(({ month }) => month === 1)
        ? "–"
        : percents(months.map(({ outage: { images, visits } }) => images / (visits || 1))),
    ];
  });
}

export const COST_HEADINGS = [
  ...["what it costs", "GETs of first bytes", "from S3", "store reads", "writes"],
  ...["transformations", "of replaced objects", "a month", "evicted after a week", "after a day"],
  ...["with max-age", "requests, a million more"],
];

/** One row a month. The counts are those where Workers Cache evicts nothing, and objects have no max-age. */
export function costRowsOf(report: Report): string[][] {
  const isPlain = report.edges.map(({ cacheControl }) => cacheControl === null);
  return monthsOf(report).map(({ title, months }) => {
    const results = months.map(({ result }) => result);
    const [result] = results;
    if (result === undefined) throw new Error(`${title} has no result`);
    const edgesOf = (one: Result, plain = true) =>
      one.edges.filter((_, index) => isPlain[index] === plain);
    const bills = (one: Result | undefined, plain?: boolean) =>
      one
        ? range(
            edgesOf(one, plain).map(({ bill }) => bill.total),
            money,
          )
        : "–";
    const edges = edgesOf(result);
    const gigabytes = edges.map(({ bytesFromS3 }) => Math.round(bytesFromS3 / 1e9));
    const replaced = edges.map((one) => one.ofReplaced / (one.transformations || 1));
    return [
      title,
      count(result.checks),
      `${counts(gigabytes)} GB`,
      count(result.storeReads),
      count(result.storeWrites),
      counts(edges.map(({ transformations }) => transformations)),
      percents(replaced, 0),
      ...[bills(result), bills(results[1]), bills(results[2]), bills(result, false)],
      range(
        millionMoreOf(
          result,
          edges.map(({ originFetches }) => originFetches),
        ),
        money,
      ),
    ];
  });
}

/**
 * What the requests of a million more pictures cost above what is free, of the same kind: by the Worker, and to S3
 * and the store. The second half is where runs in the background are billed, too (W18, open).
 */
function millionMoreOf(result: Result, originFetches: readonly number[]): number[] {
  const { visits, requests, backgroundRuns, checks, storeReads, storeWrites } = result;
  return [requests, requests + backgroundRuns].flatMap((billed) =>
    originFetches.map((fetches) => {
      const stored =
        storeReads * PRICES.storeReads[1].each + storeWrites * PRICES.storeWrites[1].each;
      const dollars = billed * REQUEST_PRICE + (checks + fetches) * PRICES.gets[0].each + stored;
      return (1e6 / visits) * dollars;
    }),
  );
}

/** The text below the table of what it costs. */
export function storeNoteOf(report: Report): string {
  const results = monthsOf(report).flatMap(({ months }) => months.map(({ result }) => result));
  const bytes = Math.max(...results.map(({ storeBytes }) => storeBytes));
  const bill = money(charge(bytes, PRICES.storeBytes));
  return `Stored at the end: ${Math.round(bytes / 1e9)} GB, for ${bill} a month.`;
}

/** The text below the table of what visitors see. */
export function outageNoteOf({ rows }: Report): string {
  const months = rows.flatMap(({ outcomes }) => outcomes).flatMap((one) => one.months);
  const failed = months.reduce((sum, { outage }) => sum + outage.failedAfter, 0);
  return `Requests without an image in the 24 hours after it: ${count(failed)}.`;
}

/** All figures. */
export function jsonOf(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

function percents(shares: readonly number[], digits = 1): string {
  return `${range(shares, (share) => (100 * share).toFixed(digits))} %`;
}

function counts(values: readonly number[]): string {
  return range(values, count);
}

/** The least and the most, or only one where both have the same text. */
function range(values: readonly number[], write: (value: number) => string): string {
  const [from, to] = [write(Math.min(...values)), write(Math.max(...values))];
  return from === to ? from : `${from}–${to}`;
}

/** Rounds dollars to the cent, and hours to a tenth. */
function rounded({ result, ...month }: Month): Month {
  const round = (value: number, parts: number) => Math.round(value * parts) / parts;
  const inCents = ({ workers, transformations, s3Requests, s3Traffic, store, total }: Bill) => ({
    ...{ workers: round(workers, 100), transformations: round(transformations, 100) },
    ...{ s3Requests: round(s3Requests, 100), s3Traffic: round(s3Traffic, 100) },
    ...{ store: round(store, 100), total: round(total, 100) },
  });
  const edges = result.edges.map((edge) => ({ ...edge, bill: inCents(edge.bill) }));
  return {
    ...month,
    result: { ...result, replacedForHours: round(result.replacedForHours, 10), edges },
  };
}
