// The rows that a report is made of. Analytics Engine computes them by the SQL of `queriesOf`, and `rowsOf` computes the
// same rows of the data points of a local run. A test compares both.

import type { Point } from "./points.ts";

export type Period = {
  /** Milliseconds since 1970, the first one that counts. */
  readonly from: number;
  /** The first one after it. */
  readonly until: number;
};

export type StatsRows = {
  /** The requests of visitors. */
  readonly requests: readonly RequestRow[];
  readonly waits: readonly WaitRow[];
  readonly presets: readonly PresetRow[];
  readonly failures: readonly FailureRow[];
  readonly delays: readonly DelayRow[];
};

export type RequestRow = {
  /** When the hour or the day began, as UTC: `2026-12-02 13:00:00`. */
  readonly start: string;
  readonly cache: string;
  readonly event: string;
  readonly status: string;
  readonly requests: number;
  readonly bytes: number;
};

type Waits = { readonly images: number; readonly median_ms: number; readonly p95_ms: number };

export type WaitRow = Waits & { readonly cache: string };
type PresetRow = Waits & { readonly preset: string };

export type FailureRow = {
  readonly preset: string;
  readonly bucket: string;
  readonly requests: number;
  readonly failed: number;
};

type DelayRow = { readonly start: string; readonly p95_ms: number };

const DAY_MS = 86_400_000;

/** How long a part of a chart is. A short period is shown by the hour. */
export function stepOf({ from, until }: Period): "HOUR" | "DAY" {
  return until - from <= 3 * DAY_MS ? "HOUR" : "DAY";
}

/** So many presets, and pairs of a preset and a bucket, are shown. */
const MAX_GROUPS = 10;

/** Visitors choose neither events nor presets, so the rows are few: this is far above what there can be. */
export const MAX_ROWS = 100_000;

/**
 * The SQL of each table of rows, in the subset of Analytics Engine:
 * https://developers.cloudflare.com/analytics/analytics-engine/sql-reference/
 * @param dataset its name, as wrangler.toml has it
 */
export function queriesOf(dataset: string, period: Period) {
  const table = /^\w+$/.test(dataset) ? dataset : `"${dataset}"`;
  const { from, until } = period;
  const start = `toStartOfInterval(timestamp, INTERVAL '1' ${stepOf(period)}) AS start`;
  const within = `timestamp >= toDateTime('${sqlTime(from)}') AND timestamp < toDateTime('${sqlTime(until)}')`;
  // An answer to an operator, as of /healthz, has no event: no visitor asked.
  const byVisitor = "blob5 != ''";
  const waits = `SUM(_sample_interval) AS images,
  quantileExactWeighted(0.5)(double1, _sample_interval) AS median_ms,
  quantileExactWeighted(0.95)(double1, _sample_interval) AS p95_ms`;

  return {
    requests: `SELECT ${start}, blob6 AS cache, blob5 AS event, blob4 AS status,
  SUM(_sample_interval) AS requests, SUM(_sample_interval * double2) AS bytes
FROM ${table}
WHERE ${within} AND ${byVisitor}
GROUP BY start, cache, event, status ORDER BY start LIMIT ${MAX_ROWS}`,

    waits: `SELECT blob6 AS cache, ${waits}
FROM ${table}
WHERE ${within} AND blob5 = 'shown'
GROUP BY cache ORDER BY images DESC`,

    presets: `SELECT blob2 AS preset, ${waits}
FROM ${table}
WHERE ${within} AND blob5 = 'shown'
GROUP BY preset ORDER BY p95_ms DESC, preset LIMIT ${MAX_GROUPS}`,

    failures: `SELECT blob2 AS preset, blob7 AS bucket, SUM(_sample_interval) AS requests,
  sumIf(_sample_interval, toUInt32(blob4) >= 500) AS failed
FROM ${table}
WHERE ${within} AND ${byVisitor}
GROUP BY preset, bucket ORDER BY failed DESC, preset, bucket LIMIT ${MAX_GROUPS}`,

    delays: `SELECT ${start},
  quantileExactWeighted(0.95)(double1, _sample_interval) AS p95_ms
FROM ${table}
WHERE ${within} AND blob5 = 'shown'
GROUP BY start ORDER BY start LIMIT ${MAX_ROWS}`,
  } as const satisfies Readonly<Record<keyof StatsRows, string>>;
}

/** A time as the SQL API reads and writes it: UTC, without the zone. */
export function sqlTime(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace("T", " ");
}

/** Computes the rows that the SQL of `queriesOf` computes. */
export function rowsOf(points: readonly Point[], period: Period): StatsRows {
  const requests = points
    .filter(({ time }) => time >= period.from && time < period.until)
    .map((point) => requestOf(point, period))
    .filter(({ event }) => event !== "");
  const images = requests.filter(({ event }) => event === "shown");

  return {
    requests: requestRows(requests),
    waits: groupsOf(images, ({ cache }) => cache)
      .map(([cache, group]) => ({ cache, ...waitsOf(group) }))
      .toSorted((a, b) => b.images - a.images),
    presets: groupsOf(images, ({ preset }) => preset)
      .map(([preset, group]) => ({ preset, ...waitsOf(group) }))
      .toSorted((a, b) => b.p95_ms - a.p95_ms || compareTexts(a.preset, b.preset))
      .slice(0, MAX_GROUPS),
    failures: failureRows(requests).slice(0, MAX_GROUPS),
    delays: groupsOf(images, ({ start }) => start)
      .map(([start, group]) => ({ start, p95_ms: quantileOf(group, 0.95) }))
      .toSorted((a, b) => compareTexts(a.start, b.start)),
  };
}

/** A data point by the names of its columns. */
type PointRequest = {
  readonly start: string;
  readonly preset: string;
  readonly status: string;
  readonly event: string;
  readonly cache: string;
  readonly bucket: string;
  readonly ms: number;
  readonly bytes: number;
  readonly weight: number;
};

function requestOf({ time, weight, blobs, doubles }: Point, period: Period): PointRequest {
  const [, preset = "", , status = "", event = "", cache = "", bucket = ""] = blobs;
  const [ms = 0, bytes = 0] = doubles;
  const start = startOf(time, period);
  return { start, preset, status, event, cache, bucket, ms, bytes, weight };
}

function startOf(time: number, period: Period): string {
  const start = new Date(time);
  start.setUTCMinutes(0, 0, 0);
  if (stepOf(period) === "DAY") start.setUTCHours(0);
  return sqlTime(start.getTime());
}

function requestRows(requests: readonly PointRequest[]): RequestRow[] {
  const groups = groupsOf(requests, ({ start, cache, event, status }) =>
    JSON.stringify([start, cache, event, status]),
  );

  const rows: RequestRow[] = [];
  for (const [, group] of groups) {
    const [first] = group;
    if (first === undefined) continue;

    const { start, cache, event, status } = first;
    const bytes = sum(group.map((request) => request.weight * request.bytes));
    rows.push({ start, cache, event, status, requests: weightOf(group), bytes });
  }
  return rows.toSorted((a, b) => compareTexts(a.start, b.start));
}

function failureRows(requests: readonly PointRequest[]): FailureRow[] {
  const groups = groupsOf(requests, ({ preset, bucket }) => JSON.stringify([preset, bucket]));

  const rows: FailureRow[] = [];
  for (const [, group] of groups) {
    const [first] = group;
    if (first === undefined) continue;

    const { preset, bucket } = first;
    const failed = group.filter(({ status }) => Number(status) >= 500);
    rows.push({ preset, bucket, requests: weightOf(group), failed: weightOf(failed) });
  }
  return rows.toSorted(
    (a, b) =>
      b.failed - a.failed || compareTexts(a.preset, b.preset) || compareTexts(a.bucket, b.bucket),
  );
}

function groupsOf(
  requests: readonly PointRequest[],
  nameOf: (request: PointRequest) => string,
): (readonly [name: string, group: readonly PointRequest[]])[] {
  return [...Map.groupBy(requests, nameOf)];
}

function waitsOf(group: readonly PointRequest[]): Waits {
  return {
    images: weightOf(group),
    median_ms: quantileOf(group, 0.5),
    p95_ms: quantileOf(group, 0.95),
  };
}

function weightOf(group: readonly PointRequest[]): number {
  return sum(group.map(({ weight }) => weight));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** The first time that is not exceeded by a share of the requests, as `quantileExactWeighted` has it: ms. */
function quantileOf(group: readonly PointRequest[], level: number): number {
  const threshold = level * weightOf(group);
  const sorted = group.toSorted((a, b) => a.ms - b.ms);

  let passed = 0;
  for (const { ms, weight } of sorted) {
    passed += weight;
    if (passed >= threshold) return ms;
  }
  return sorted.at(-1)?.ms ?? 0;
}

/** By their code units, as SQL compares. */
function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
