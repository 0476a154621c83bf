// The compared cases, and their report: a table, a chart, and a file with all figures.

import { money } from "../../src/cli/project/costs.ts";
import { count } from "../../src/cli/terminal/progress.ts";
import { drawBars } from "./chart.ts";
import { createDesigns, type DesignName, SITE } from "./designs.ts";
import type { Bill } from "./prices.ts";
import { type Result, simulate } from "./simulate.ts";
import type { Settings } from "./trace.ts";

type Case = {
  readonly name: string;
  readonly design: DesignName;
  /** False: S3 sends no cache-control, and the edge keeps objects for an hour (C1). */
  readonly maxAge: boolean;
};

export const CASES = [
  { name: "Vitrine", design: "vitrine", maxAge: true },
  { name: "Vitrine, objects without max-age", design: "vitrine", maxAge: false },
  { name: "Free widths", design: "free", maxAge: true },
  { name: "Presigned URLs", design: "presigned", maxAge: true },
] as const satisfies readonly Case[];

/** A case and its result. */
export type Outcome = { readonly name: string; readonly result: Result };

export type Report = {
  readonly settings: Settings;
  /** In seconds. */
  readonly maxAge: number;
  readonly outcomes: readonly Outcome[];
};

/** Runs all cases with the same month. */
export function compare(
  settings: Settings,
  maxAge: number,
  step?: (requests: number) => void,
): Report {
  const designs = createDesigns(SITE);
  const outcomes = CASES.map(({ name, design, maxAge: said }) => {
    const cacheControl = said ? `max-age=${maxAge}` : null;
    return { name, result: rounded(simulate(settings, designs[design], cacheControl, step)) };
  });
  return { settings, maxAge, outcomes };
}

export const HEADINGS = [
  ...["design", "origin fetches", "one object and place*", "from S3"],
  ...["unique transformations", "hit rate", "a month"],
];

/** The table: one row a case. */
export function rowsOf({ outcomes }: Report): string[][] {
  return outcomes.map(({ name, result }) => [
    name,
    count(result.originFetches),
    count(result.mostFetchesWhileFresh),
    gigabytes(result.bytesFromS3),
    count(result.transformations),
    `${((100 * result.printHits) / result.requests).toFixed(1)} %`,
    money(result.bill.total),
  ]);
}

/** The text below the table, about the first case. */
export function notesOf({ outcomes: [first] }: Report): string[] {
  if (first === undefined) return [];
  const { mostFetchesWhileFresh: most, busiestFetch } = first.result;
  const { requests, prints } = busiestFetch;
  return [
    `Origin fetches per object and place: ${count(most)}, whatever number of variants and visitors, while fresh.`,
    `The fetch that went furthest served ${count(requests)} requests, with ${count(prints)} prints made of it.`,
  ];
}

/** The chart of the bills. */
export function chartOf({ settings, outcomes }: Report, dark: boolean): string {
  const { requests, objects, places } = settings;
  return drawBars({
    title: "What a month costs, by design",
    subtitle:
      `US dollars, Cloudflare and S3 together, simulated: ${count(requests)} requests, ` +
      `${count(objects)} objects, ${count(places)} places`,
    unit: "$",
    dark,
    rows: outcomes.map(({ name, result }, at) => ({
      label: name,
      value: result.bill.total,
      text: money(result.bill.total),
      note: `${count(result.originFetches)} origin fetches, ${count(result.transformations)} transformations`,
      highlight: at === 0,
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
  const freeForHours = hours === null ? null : Math.round(hours * 10) / 10;
  return { ...result, freeForHours, bill: toCents(bill) };
}

function toCents(bill: Bill): Bill {
  const { workers, transformations, s3Requests, s3Traffic, total } = bill;
  const cent = (dollars: number) => Math.round(dollars * 100) / 100;
  return {
    workers: cent(workers),
    transformations: cent(transformations),
    s3Requests: cent(s3Requests),
    s3Traffic: cent(s3Traffic),
    total: cent(total),
  };
}

function gigabytes(bytes: number): string {
  return `${count(Math.round(bytes / 1e9))} GB`;
}
