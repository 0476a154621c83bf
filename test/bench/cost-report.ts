// The report of the simulated month: what visitors see, what it costs, and a file with all figures.

import { money, REQUEST_PRICE } from "../../src/cli/project/costs.ts";
import { count } from "../../src/cli/terminal/progress.ts";
import { CASES, type Case, type Reading, readingsOf, scenarioOf } from "./cases.ts";
import { PRICES } from "./prices.ts";
import { type Month, type Outage, type Result, simulate, simulateOutage } from "./simulate.ts";
import { createSite, SITE } from "./site.ts";
import { bytesOfObjects, type Settings, traceOf } from "./trace.ts";

/** What came out of a case, in one reading. */
type Outcome = {
  readonly reading: Reading;
  readonly result: Result;
  /** Left out where the objects have a max-age: it changes nothing. */
  readonly outage: Outage | undefined;
};

export type Row = Case & { readonly outcomes: readonly Outcome[] };

export type Report = {
  readonly settings: Settings;
  /** In seconds. */
  readonly maxAge: number;
  readonly rows: readonly Row[];
};

/**
 * Runs all cases with the same month.
 * @param step is called after each of `STEPS`
 */
export function compare(settings: Settings, maxAge: number, step: () => void = () => {}): Report {
  const month: Month = {
    site: createSite(SITE),
    events: [...traceOf(settings)],
    bytes: bytesOfObjects(settings),
  };
  const rows = CASES.map((one) => ({
    ...one,
    outcomes: readingsOf(one).map((reading) => {
      const scenario = scenarioOf(one, reading, maxAge);
      const result = roundMoney(simulate(month, scenario));
      const outage = one.hasMaxAge ? undefined : simulateOutage(month, scenario);
      step();
      return { reading, result, outage };
    }),
  }));
  return { settings, maxAge, rows };
}

/** How often `compare` calls `step`. */
export const STEPS = CASES.reduce((sum, one) => sum + readingsOf(one).length, 0);

export const VISITOR_HEADINGS = [
  ...["what visitors see", "fresh", "stale", "waited", "waited for the edge"],
  ...["replaced pictures seen", "after at most", "without S3"],
];

/** One row a case, from the least to the most of all readings. */
export function visitorRowsOf({ rows }: Report): string[][] {
  const different = rows.filter(({ hasMaxAge }) => !hasMaxAge); // visitors do not notice it
  return different.map(({ name, outcomes }) => {
    const results = outcomes.map(({ result }) => result);
    const share = (pick: (result: Result) => number) =>
      percents(results.map((result) => pick(result) / result.visits));
    const hours = Math.max(...results.map(({ replacedForHours }) => replacedForHours));
    return [
      name,
      share(({ fresh }) => fresh),
      share(({ stale }) => stale),
      share(({ waited }) => waited),
      share(({ waitedForEdge }) => waitedForEdge),
      counts(results.map(({ replacedShown }) => replacedShown)),
      `${count(Math.ceil(hours))} h`,
      percents(outagesOf(outcomes).map(({ images, visits }) => images / (visits || 1))),
    ];
  });
}

export const COST_HEADINGS = [
  ...["what it costs", "GETs by the Worker", "by the edge", "from S3", "transformations"],
  ...["a month", "evicted after a week", "after a day", "requests, a million more", "with R2"],
];

/** One row a case. The counts are those where Workers Cache evicts nothing. */
export function costRowsOf({ rows }: Report): string[][] {
  return rows.map(({ name, outcomes }) => {
    const all = outcomes.map(({ result }) => result);
    const bills = all.map(({ bill }) => bill.total);
    const whole = outcomes.filter(({ reading }) => reading.evictAfter === undefined).length;
    const results = all.slice(0, whole);
    return [
      name,
      counts(results.map(({ checks }) => checks)),
      counts(results.map(({ originFetches }) => originFetches)),
      `${counts(results.map(({ bytesFromS3 }) => Math.round(bytesFromS3 / 1e9)))} GB`,
      counts(results.map(({ transformations }) => transformations)),
      range(bills.slice(0, whole), money),
      ...(whole < bills.length ? bills.slice(whole).map(money) : ["–", "–"]),
      range(
        all.flatMap((result) => millionMoreOf(result, PRICES.gets[0].each)),
        money,
      ),
      range(
        all.flatMap((result) => millionMoreOf(result, PRICES.r2Reads)),
        money,
      ),
    ];
  });
}

/**
 * What the requests of a million more pictures cost above what is free, of the same kind: by the Worker and by S3.
 * The second one is where runs in the background are billed, too (W18, open).
 */
function millionMoreOf(result: Result, getPrice: number): number[] {
  const { visits, requests, backgroundRuns, checks, originFetches } = result;
  return [requests, requests + backgroundRuns].map(
    (billed) => (1e6 / visits) * (billed * REQUEST_PRICE + (checks + originFetches) * getPrice),
  );
}

/** The text below the table of what visitors see. */
export function outageNoteOf({ rows }: Report): string {
  const outages = outagesOf(rows.flatMap((row) => row.outcomes));
  const failed = outages.reduce((sum, { failedAfter }) => sum + failedAfter, 0);
  return `Requests without an image in the 24 hours after it: ${count(failed)}.`;
}

function outagesOf(outcomes: readonly Outcome[]): Outage[] {
  return outcomes.flatMap(({ outage }) => outage ?? []);
}

/** All figures. */
export function jsonOf(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

function percents(shares: readonly number[]): string {
  return `${range(shares, (share) => (100 * share).toFixed(1))} %`;
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
function roundMoney(result: Result): Result {
  const { workers, transformations, s3Requests, s3Traffic, total } = result.bill;
  const round = (value: number, parts: number) => Math.round(value * parts) / parts;
  return {
    ...result,
    replacedForHours: round(result.replacedForHours, 10),
    bill: {
      workers: round(workers, 100),
      transformations: round(transformations, 100),
      s3Requests: round(s3Requests, 100),
      s3Traffic: round(s3Traffic, 100),
      total: round(total, 100),
    },
  };
}
