// The simulated runs, and their tables as docs/costs.md and docs/cache.md have them.

import { money } from "../../../src/cli/config/transformations.ts";
import { count } from "../../../src/cli/terminal/progress.ts";
import { markdownTable } from "../../support/markdown-table.ts";
import { addBills, billOf, type Origin, PEERS, type PeerUsage, totalOf } from "./prices.ts";
import { AFTER, BEFORE } from "./rules.ts";
import { type Counts, type Result, type Scenario, simulate } from "./simulate.ts";
import { elementAt, type Site } from "./site.ts";
import { type CellWriter, percents, range, type Table } from "./tables.ts";
import { DAY } from "./trace.ts";
import { EVICTS_NOTHING } from "./workers-cache.ts";

const WEEK = 7 * DAY;

/** What Workers Cache evicts is not known: nothing, or what nobody asked for in a day. */
const EVICTIONS = [Number.POSITIVE_INFINITY, DAY];

/** `keep` of a new project, in seconds. */
const KEEP = 300;

export type Sites = {
  readonly small: Site;
  readonly medium: Site;
  readonly large: Site;
};

/** Each has a result for each of EVICTIONS. */
export type Report = {
  /** The year of the medium site. */
  readonly before: readonly Result[];
  readonly after: readonly Result[];
  /** Four months of it. */
  readonly withoutStore: readonly Result[];
  readonly withEvents: readonly Result[];
  readonly withoutCache: readonly Result[];
  /** The year of the other sites, with the second of EVICTIONS alone. */
  readonly small: Result;
  readonly large: Result;
};

/** How often `runAll` calls `step`. */
export const STEPS = 11;

/** @param step is called after each run */
export function runAll({ small, medium, large }: Sites, step: () => void): Report {
  const run = (evictAfter: number, change: Partial<Scenario>, keep = KEEP) => {
    const cache = { ...EVICTS_NOTHING, keep, stale: WEEK, evictUnusedAfter: evictAfter };
    const settings = { months: 12, rules: AFTER, hasStore: true, hasEvents: false, cache };
    const result = simulate({ site: medium, ...settings, ...change });
    step();
    return result;
  };
  const runEach = (change: Partial<Scenario>, keep?: number) =>
    EVICTIONS.map((evictAfter) => run(evictAfter, change, keep));

  return {
    before: runEach({ rules: BEFORE }),
    after: runEach({}),
    withoutStore: runEach({ months: 4, hasStore: false }),
    withEvents: runEach({ months: 4, hasEvents: true }, WEEK),
    withoutCache: [run(DAY, { months: 4, cache: undefined })],
    small: run(DAY, { site: small }),
    large: run(DAY, { site: large }),
  };
}

/** All tables, each with the page that has it. */
export function tablesOf(report: Report): Table[] {
  return [
    { page: "docs/costs.md", lines: yearTable(report) },
    { page: "docs/costs.md", lines: monthTable(report) },
    { page: "docs/costs.md", lines: siteTable(report) },
    { page: "docs/cache.md", lines: visitorTable(report) },
  ];
}

/** What a year is, before and after. */
function yearTable({ before, after }: Report): string[] {
  const row = (title: string, pick: (result: Result) => number, write: CellWriter) => {
    return [title, ...[before, after].map((results) => range(results.map(pick), write))];
  };
  const sumRow = (title: string, name: keyof Counts, write: CellWriter = whole) =>
    row(title, (result) => sumOf(result, name), write);
  const billRow = (title: string, position: keyof ReturnType<typeof billOfYear>) =>
    row(title, (result) => billOfYear(result, "s3")[position], money);

  return markdownTable(
    ["a year, 12 million views", "before", "after"],
    [
      sumRow("views that waited for a transformation", "waitedForEdge"),
      sumRow("requests to the edge", "edgeRequests"),
      sumRow("transformations that are billed", "transformations"),
      sumRow("GETs of S3", "gets"),
      sumRow("of them for the sides of a picture", "longHeadGets"),
      sumRow("from S3", "s3Bytes", gigabytes),
      sumRow("to visitors", "deliveredBytes", gigabytes),
      sumRow("views that got 502", "refused"),
      row("stored at the end", ({ months }) => lastOf(months).storedBytes, gigabytes),
      row("of it WebP twice", ({ months }) => lastOf(months).twiceStoredBytes, gigabytes),
      billRow("Workers", "workers"),
      billRow("transformations", "transformations"),
      billRow("GETs", "gets"),
      billRow("traffic of S3", "traffic"),
      billRow("the store", "store"),
      row("**in all**", (result) => totalOf(billOfYear(result, "s3")), money),
      row("in all, with originals in R2", (result) => totalOf(billOfYear(result, "r2")), money),
      row("a day without S3: shown", pictureShare, percents),
      row("a day without S3: 502", ({ outage }) => outage.views - outage.pictures, count),
    ],
  );
}

/** What single months cost. */
function monthTable(report: Report): string[] {
  const row = (title: string, results: readonly Result[], month: number) => {
    const counts = results.map(({ months }) => elementAt(months, month - 1));
    const pick = (name: keyof Counts) => counts.map((each) => each[name]);
    const bills = counts.map((each) => totalOf(billOf(each, "s3")));
    return [
      title,
      range(pick("gets"), count),
      range(pick("s3Bytes"), gigabytes),
      range(pick("storeWrites"), count),
      range(pick("transformations"), count),
      range(bills, money),
    ];
  };
  const { after, withoutStore, withEvents, withoutCache } = report;
  return markdownTable(
    ["a month, a million views", "GETs", "from S3", "writes", "transformations", "in all"],
    [
      row("a store, first month", after, 1),
      row("a store, fourth month", after, 4),
      row("a store, twelfth month", after, 12),
      row("no store, first month", withoutStore, 1),
      row("no store, fourth month", withoutStore, 4),
      row("the fourth, keep a week, events", withEvents, 4),
      row("the fourth, keep 0", withoutCache, 4),
    ],
  );
}

/** What visitors see in the fourth month, and on the first day of the fifth one, without S3. */
function visitorTable(report: Report): string[] {
  const row = (title: string, results: readonly Result[]) => {
    const share = (name: keyof Counts) => {
      const shares = results.map(({ months }) => {
        const counts = lastOf(months);
        return counts[name] / counts.views;
      });
      return range(shares, percents);
    };
    const replaced = results.map(({ months }) => lastOf(months).replaced);
    return [
      title,
      share("fresh"),
      share("stale"),
      share("waitedForS3"),
      share("waitedForEdge"),
      range(replaced, count),
      range(results.map(pictureShare), percents),
    ];
  };
  const { after, withoutStore, withEvents, withoutCache } = report;
  return markdownTable(
    [
      ...["what visitors see", "fresh", "stale", "waited for S3 or the store"],
      ...["for the edge", "replaced ones seen", "without S3"],
    ],
    [
      row("with a store, twelfth month", after),
      row("without, fourth month", withoutStore),
      row("a store, keep a week, events", withEvents),
      row("a store, keep 0", withoutCache),
    ],
  );
}

/** What three sites cost a month, on average over the first year, here and at others. */
function siteTable({ small, large, after }: Report): string[] {
  const results = [small, lastOf(after), large];
  const ours = (title: string, origin: Origin) => {
    const totals = results.map((result) => totalOf(billOfYear(result, origin)) / 12);
    return [title, ...totals.map(money), ""];
  };
  const peers = PEERS.map(({ name, note, charge }) => {
    const prices = results.map((result) => charge(peerUsageOf(result)));
    return [name, ...prices.map(moneyOrUnknown), note];
  });
  return markdownTable(
    ["a month, on average", ...results.map(viewsText), "what is billed"],
    [ours("Vitrine, originals at AWS", "s3"), ours("Vitrine, originals in R2", "r2"), ...peers],
  );
}

function viewsText({ months }: Result): string {
  return `${count(lastOf(months).views)} views`;
}

/** In the first month, each rendition that is asked for is written. */
function peerUsageOf({ months, objects, originalBytes }: Result): PeerUsage {
  const first = elementAt(months, 0);
  const { views, deliveredBytes, storeWrites: renditions, storedBytes } = first;
  return { views, deliveredBytes, renditions, storedBytes, objects, originalBytes };
}

function billOfYear({ months }: Result, origin: Origin) {
  return addBills(months.map((counts) => billOf(counts, origin)));
}

function sumOf({ months }: Result, name: keyof Counts): number {
  return months.reduce((sum, counts) => sum + counts[name], 0);
}

function pictureShare({ outage }: Result): number {
  return outage.pictures / outage.views;
}

function whole(value: number): string {
  return count(Math.round(value));
}

function gigabytes(bytes: number): string {
  return `${whole(bytes / 1e9)} GB`;
}

function moneyOrUnknown(dollars: number): string {
  return Number.isFinite(dollars) ? money(dollars) : "not public";
}

function lastOf<Element>(elements: readonly Element[]): Element {
  return elementAt(elements, elements.length - 1);
}
