// The report of the compared cases: two tables, a chart, and a file with all figures.

import { money } from "../../src/cli/project/costs.ts";
import { count } from "../../src/cli/terminal/progress.ts";
import { CASES, type Case, WITH_OUTAGE, WITHOUT_CACHE } from "./cases.ts";
import { drawBars } from "./chart.ts";
import { createDesigns, SITE } from "./designs.ts";
import { type Outage, PLAYED, simulateOutage } from "./outage.ts";
import type { Scenario } from "./pipeline.ts";
import type { Bill } from "./prices.ts";
import { type Result, simulate } from "./simulate.ts";
import type { Settings } from "./trace.ts";

/** A case and its result. */
export type Outcome = { readonly name: string; readonly result: Result };

/** A case and what visitors got in an outage. */
type InOutage = { readonly name: string; readonly outage: Outage };

export type Report = {
  readonly settings: Settings;
  /** In seconds. */
  readonly maxAge: number;
  readonly outcomes: readonly Outcome[];
  readonly outages: readonly InOutage[];
};

/** Runs all cases with the same month. */
export function compare(
  settings: Settings,
  maxAge: number,
  step?: (requests: number) => void,
): Report {
  const designs = createDesigns(SITE);
  const scenario = ({ design, maxAge: said, cache }: Case): Scenario => {
    return { design: designs[design], cacheControl: said ? `max-age=${maxAge}` : null, cache };
  };
  const outcomes = CASES.map((one) => {
    return { name: one.name, result: rounded(simulate(settings, scenario(one), step)) };
  });
  const outages = WITH_OUTAGE.map((one) => {
    const outage = simulateOutage(settings, scenario(one), step);
    return { name: one.name, outage: { ...outage, percent: round(outage.percent, 100) } };
  });
  return { settings, maxAge, outcomes, outages };
}

/** About how many requests all cases have together. */
export function totalOf({ requests }: Settings): number {
  return Math.round(requests * (CASES.length + PLAYED * WITH_OUTAGE.length));
}

export const HEADINGS = [
  ...["design", "requests that wait", "origin fetches", "one object and place*", "from S3"],
  ...["unique transformations", "a month"],
];

/** The table: one row a case. */
export function rowsOf({ outcomes }: Report): string[][] {
  return outcomes.map(({ name, result }) => [
    name,
    waitsOf(result),
    count(result.originFetches),
    count(result.mostFetchesWhileFresh),
    gigabytes(result.bytesFromS3),
    count(result.transformations),
    money(result.bill.total),
  ]);
}

/** The text below the table, about the case without the cache. */
export function notesOf({ outcomes }: Report): string[] {
  const first = outcomes.find(({ name }) => name === WITHOUT_CACHE);
  if (first === undefined) return [];
  const { mostFetchesWhileFresh: most, busiestFetch } = first.result;
  const { requests, prints } = busiestFetch;
  return [
    `Origin fetches per object and place: ${count(most)}, whatever number of variants and visitors, while fresh.`,
    `The fetch that went furthest served ${count(requests)} requests, with ${count(prints)} renditions made of it.`,
  ];
}

export const OUTAGE_HEADINGS = [
  "in 24 hours without S3",
  "requests",
  "without an image",
  "with one",
];

/** The table of the outage: one row a case. */
export function outageRowsOf({ outages }: Report): string[][] {
  return outages.map(({ name, outage: { requests, images, percent } }) => [
    name,
    count(requests),
    count(requests - images),
    `${percent.toFixed(2)} %`,
  ]);
}

/** The text below the table of the outage. */
export function outageNoteOf({ outages }: Report): string {
  const failed = outages.reduce((sum, { outage }) => sum + outage.failedAfter, 0);
  return `Requests without an image in the 24 hours after it: ${count(failed)}.`;
}

/** The chart of the bills. */
export function chartOf({ settings, outcomes }: Report, dark: boolean): string {
  const { requests, objects, places } = settings;
  const charted = new Map(CASES.filter(({ isInChart }) => isInChart).map((one) => [one.name, one]));
  return drawBars({
    title: "What a month costs, by design",
    subtitle:
      `US dollars, Cloudflare and S3 together, simulated: ${count(requests)} requests, ` +
      `${count(objects)} objects, ${count(places)} places`,
    unit: "$",
    dark,
    rows: outcomes
      .filter(({ name }) => charted.has(name))
      .map(({ name, result }) => ({
        label: name,
        value: result.bill.total,
        text: money(result.bill.total),
        note: `${waitsOf(result)} of requests wait, ${count(result.originFetches)} origin fetches`,
        highlight: charted.get(name)?.cache !== undefined,
      })),
  });
}

/** All figures. */
export function jsonOf(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

/** Rounds hours to a tenth, and dollars to the cent. */
function rounded(result: Result): Result {
  const { freeForHours: hours, bill } = result;
  return { ...result, freeForHours: hours && round(hours, 10), bill: toCents(bill) };
}

function toCents(bill: Bill): Bill {
  const { workers, transformations, s3Requests, s3Traffic, total } = bill;
  return {
    workers: round(workers, 100),
    transformations: round(transformations, 100),
    s3Requests: round(s3Requests, 100),
    s3Traffic: round(s3Traffic, 100),
    total: round(total, 100),
  };
}

/** @param parts 100: to the hundredth */
function round(value: number, parts: number): number {
  return Math.round(value * parts) / parts;
}

function waitsOf({ waits, requests }: Result): string {
  return `${((100 * waits) / requests).toFixed(1)} %`;
}

function gigabytes(bytes: number): string {
  return `${count(Math.round(bytes / 1e9))} GB`;
}
