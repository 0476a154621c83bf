// What a site does and costs in a period, made of rows. Pure. Nothing in it names an object or a visitor.

import type { FailureRow, Period, RequestRow, StatsRows, WaitRow } from "../metrics/rows.ts";
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
  /** Those of visitors: `/healthz` and the like do not count. */
  readonly requests: number;
  /** Requests with a status of 400 to 499: visitors asked for something wrong, or for what is not there. */
  readonly refused: number;
  /** Requests with a status of 500 and above. */
  readonly failed: number;
  /** Bytes of images and facts. */
  readonly bytes: number;
  /** How many images were shown, by where they came from. */
  readonly views: Images;
  /** How long visitors waited for images, the quickest source first. */
  readonly waits: readonly (Wait & { readonly source: ImageSource })[];
  /** The slowest presets first, with their variants apart. */
  readonly presets: readonly (Wait & { readonly preset: string })[];
  /** The presets and buckets that failed most, the worst first. */
  readonly failing: readonly FailureRow[];
  /** What visitors got in place of an image, the most frequent first. */
  readonly errors: readonly ErrorCount[];
  /** Images that were made while a visitor waited: those of `miss` and `direct`. Others are made in the background. */
  readonly madeWhileWaiting: number;
  /** Undefined for the local run, which costs nothing, and for a period that did not begin with a month. */
  readonly costs: Costs | undefined;
  /** Each hour of a period of up to three days, else each day. */
  readonly timeline: readonly TimelineStep[];
};

/** How long visitors waited for so many images. */
export type Wait = {
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

/**
 * What transformations may cost in a month: US dollars. None of them is the bill. Cloudflare bills each variant of an
 * object once a month, however often it was made, and also what was made in the background, which has no data point.
 */
export type Costs = {
  /** If each image were billed that was made while a visitor waited. 5,000 a month are free. */
  readonly dollarsIfEachIsBilled: number;
  /** What visitors can cause, as `vitrine check` says. Undefined if the configuration has mistakes. */
  readonly worstCase: WorstCase | undefined;
  /** `COSTS.most` */
  readonly budget: number | undefined;
};

type WorstCase = {
  readonly transformations: number;
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
  /** US dollars of so many transformations in a month. */
  readonly dollarsOf: (transformations: number) => number;
} & Pick<Costs, "worstCase" | "budget">;

export function createReport(rows: StatsRows, frame: ReportFrame): StatsReport {
  const { source, environment, period } = frame;
  const { requests } = rows;

  const views = imagesOf(requests.filter(isImage));
  const madeWhileWaiting = views.miss + views.direct;

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
    presets: rows.presets.map((row) => ({ preset: row.preset, ...waitOf(row) })),
    failing: rows.failures.filter(({ failed }) => failed > 0),
    errors: errorsOf(requests),
    madeWhileWaiting,
    costs: costsOf(madeWhileWaiting, frame),
    timeline: timelineOf(rows, period),
  };
}

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

function costsOf(images: number, frame: ReportFrame): Costs | undefined {
  const { source, period, dollarsOf, worstCase, budget } = frame;
  if (source === "local" || !isOneMonth(period)) return undefined;

  return { dollarsIfEachIsBilled: dollarsOf(images), worstCase, budget };
}

/** Returns whether a period is a month of UTC, or its beginning: the prices, the worst case and the budget are of a month. */
function isOneMonth({ from, until }: Period): boolean {
  const date = new Date(from);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  return from === Date.UTC(year, month) && until <= Date.UTC(year, month + 1);
}

function waitsBySource(rows: readonly WaitRow[]): StatsReport["waits"] {
  return SOURCES.flatMap((source) => {
    const row = rows.find(({ cache }) => cache === source);
    return row === undefined ? [] : [{ source, ...waitOf(row) }];
  });
}

function waitOf({ images, median_ms, p95_ms }: Omit<WaitRow, "cache">): Wait {
  return { images, medianMs: median_ms, p95Ms: p95_ms };
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
