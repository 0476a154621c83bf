// What a site does and costs in a period, made of rows. Pure. Nothing in it names an object or a visitor.

import type {
  FailureRow,
  Period,
  PresetRow,
  RequestRow,
  StatsRows,
  WaitRow,
} from "../metrics/rows.ts";
import { stepOf } from "../metrics/rows.ts";

/** Where an image came from, the quickest first: docs/metrics.md. */
export const SOURCES = ["hit", "stale", "stored", "miss", "direct"] as const;

export type ImageSource = (typeof SOURCES)[number];

type Images = Readonly<Record<ImageSource, number>>;

export type StatsReport = {
  /** What has the data points: a dataset of Analytics Engine, or the local run. */
  readonly source: "cloudflare" | "local";
  /** `""`: the top level. */
  readonly environment: string;
  /** ISO 8601, UTC. */
  readonly from: string;
  /** ISO 8601, UTC: the first moment that does not count. */
  readonly until: string;
  readonly requests: number;
  /** Requests with a status of 400 to 499: visitors asked for something wrong, or for what is not there. */
  readonly refused: number;
  /** Requests with a status of 500 and above. */
  readonly failed: number;
  /** Bytes of images and facts. */
  readonly bytes: number;
  /** How many images were shown, by where they came from. */
  readonly views: Images;
  /** How long visitors waited for images: ms. */
  readonly waits: readonly Waits<"source">[];
  /** The slowest presets first, with their variants apart. */
  readonly presets: readonly Waits<"preset">[];
  /** The presets and buckets that failed most, the worst first. */
  readonly failing: readonly FailureRow[];
  /** What visitors got in place of an image, the most frequent first. */
  readonly errors: readonly ErrorCount[];
  readonly transformations: Transformations;
  /** Each hour of a period of up to three days, else each day. */
  readonly timeline: readonly TimelineStep[];
};

type Waits<Name extends string> = Readonly<Record<Name, string>> & {
  readonly images: number;
  /** Half of them waited at most so long: ms. */
  readonly medianMs: number;
  /** 95 of 100 waited at most so long: ms. */
  readonly p95Ms: number;
};

type ErrorCount = {
  /** An event of docs/errors.md. */
  readonly event: string;
  readonly status: string;
  readonly requests: number;
};

type Transformations = {
  /** Images that were made while a visitor waited. What is made in the background writes no data point. */
  readonly atLeast: number;
  /** US dollars, after those that are free in each month. */
  readonly dollarsAtLeast: number;
  /** What visitors can cause in a month, as `vitrine check` says. Undefined also for a period of several months. */
  readonly worstCase: Costs | undefined;
  /** `COSTS.most`: US dollars a month. Undefined also for a period of several months. */
  readonly budget: number | undefined;
};

type Costs = {
  readonly transformations: number;
  /** US dollars. */
  readonly dollars: number;
};

type TimelineStep = Images & {
  /** ISO 8601, UTC. */
  readonly start: string;
  readonly refused: number;
  readonly failed: number;
  /** 95 of 100 visitors waited at most so long for an image: ms. 0 if there was none. */
  readonly p95Ms: number;
};

/** What rows do not say. */
export type ReportFrame = Pick<StatsReport, "source" | "environment"> & {
  readonly period: Period;
  /** US dollars of so many images that were made in a month. */
  readonly dollarsOf: (transformations: number) => number;
} & Pick<Transformations, "worstCase" | "budget">;

export function createReport(rows: StatsRows, frame: ReportFrame): StatsReport {
  const { source, environment, period, dollarsOf, worstCase, budget } = frame;
  const { requests } = rows;

  const views = imagesOf(requests.filter(isImage));
  const isOneMonth = monthsOf(period) === 1;

  return {
    source,
    environment,
    from: new Date(period.from).toISOString(),
    until: new Date(period.until).toISOString(),
    requests: total(requests),
    refused: total(requests.filter(isRefused)),
    failed: total(requests.filter(isFailed)),
    bytes: requests.reduce((bytes, row) => bytes + row.bytes, 0),
    views,
    waits: waitsBySource(rows.waits),
    presets: rows.presets.map(presetOf),
    failing: rows.failures.filter(({ failed }) => failed > 0),
    errors: errorsOf(requests),
    transformations: {
      ...renderedIn(requests, dollarsOf),
      // Both are of a month.
      worstCase: isOneMonth ? worstCase : undefined,
      budget: isOneMonth ? budget : undefined,
    },
    timeline: timelineOf(rows, period),
  };
}

/** Where an image comes from that was made for the visitor. */
const RENDERED: readonly string[] = ["miss", "direct"] satisfies readonly ImageSource[];

const isImage = ({ event }: RequestRow): boolean => event === "shown";
const isFailed = ({ status }: RequestRow): boolean => Number(status) >= 500;
const isRefused = (row: RequestRow): boolean => Number(row.status) >= 400 && !isFailed(row);

function total(rows: readonly RequestRow[]): number {
  return rows.reduce((requests, row) => requests + row.requests, 0);
}

function imagesOf(images: readonly RequestRow[]): Images {
  const views = { hit: 0, stale: 0, stored: 0, miss: 0, direct: 0 };
  for (const source of SOURCES) {
    views[source] = total(images.filter(({ cache }) => cache === source));
  }
  return views;
}

/** In how many months of UTC a period lies. */
function monthsOf({ from, until }: Period): number {
  const first = new Date(from);
  const last = new Date(until - 1);
  const years = last.getUTCFullYear() - first.getUTCFullYear();
  return years * 12 + last.getUTCMonth() - first.getUTCMonth() + 1;
}

/** Each month has transformations that are free, so each is priced for itself. */
function renderedIn(
  requests: readonly RequestRow[],
  dollarsOf: ReportFrame["dollarsOf"],
): Pick<Transformations, "atLeast" | "dollarsAtLeast"> {
  const rendered = requests.filter((row) => isImage(row) && RENDERED.includes(row.cache));
  const months = Map.groupBy(rendered, ({ start }) => start.slice(0, "2026-11".length));

  let dollarsAtLeast = 0;
  for (const month of months.values()) dollarsAtLeast += dollarsOf(total(month));
  return { atLeast: total(rendered), dollarsAtLeast };
}

function waitsBySource(rows: readonly WaitRow[]): Waits<"source">[] {
  const waits: Waits<"source">[] = [];
  for (const source of SOURCES) {
    const row = rows.find(({ cache }) => cache === source);
    if (row === undefined) continue;

    const { images, median_ms, p95_ms } = row;
    waits.push({ source, images, medianMs: median_ms, p95Ms: p95_ms });
  }
  return waits;
}

function presetOf({ preset, images, median_ms, p95_ms }: PresetRow): Waits<"preset"> {
  return { preset, images, medianMs: median_ms, p95Ms: p95_ms };
}

function errorsOf(rows: readonly RequestRow[]): ErrorCount[] {
  const errors = rows.filter((row) => isRefused(row) || isFailed(row));
  const groups = Map.groupBy(errors, ({ event, status }) => JSON.stringify([event, status]));

  const counts: ErrorCount[] = [];
  for (const group of groups.values()) {
    const [first] = group;
    if (first === undefined) continue;

    const { event, status } = first;
    counts.push({ event, status, requests: total(group) });
  }
  return counts.toSorted((a, b) => b.requests - a.requests);
}

/** Each hour or day of the period, also those without a request. */
function timelineOf({ requests, delays }: StatsRows, period: Period): TimelineStep[] {
  const byStart = Map.groupBy(requests, ({ start }) => start);
  const delaysByStart = new Map(delays.map(({ start, p95_ms }) => [start, p95_ms]));

  const steps: TimelineStep[] = [];
  for (const time of startsOf(period)) {
    const start = new Date(time).toISOString();
    const sqlStart = start.slice(0, 19).replace("T", " ");
    const rows = byStart.get(sqlStart) ?? [];

    steps.push({
      start,
      ...imagesOf(rows.filter(isImage)),
      refused: total(rows.filter(isRefused)),
      failed: total(rows.filter(isFailed)),
      p95Ms: delaysByStart.get(sqlStart) ?? 0,
    });
  }
  return steps;
}

const STEP_MS = { HOUR: 3_600_000, DAY: 86_400_000 } as const;

/** A day of UTC has 24 hours, and a leap second is no moment of its own. */
function startsOf(period: Period): readonly number[] {
  const step = STEP_MS[stepOf(period)];

  const starts: number[] = [];
  const first = Math.floor(period.from / step) * step;
  for (let time = first; time < period.until; time += step) starts.push(time);
  return starts;
}
