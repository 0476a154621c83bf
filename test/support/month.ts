// A month of a site, made of a seed: views follow the hours of the day, the caches fill, S3 is down for an afternoon, and
// one preset is slow. It counts what it makes by itself, so its figures do not come from the code that is tested.

import type { Point } from "../../src/cli/metrics/points.ts";
import { dataPoint, type RequestMetrics } from "../../src/worker/log/metrics.ts";
import { type Random, seeded } from "../bench/random.ts";

const HOUR_MS = 3_600_000;
const HOURS = 30 * 24;

/** S3 is down from the 18th day at noon, for five hours. */
const OUTAGE = { from: 17 * 24 + 12, until: 17 * 24 + 17 } as const;

/** How often an hour a monitoring asks /healthz. */
const HEALTH_ASKS = 12;

export const MONTH = { from: Date.UTC(2026, 10), until: Date.UTC(2026, 11) } as const;

export type SimulatedMonth = {
  readonly points: readonly Point[];
  readonly ledger: Ledger;
};

/** What was made, counted while it was made. */
type Ledger = {
  requests: number;
  failed: number;
  refused: number;
  bytes: number;
  readonly views: Record<Source, number>;
  /** By event and status: `origin-failed 502`. */
  readonly errors: Record<string, number>;
  /** By preset and bucket: `card media`. */
  readonly failedBy: Record<string, number>;
  /** By the day, as `2026-11-18`. */
  readonly failedOn: Record<string, number>;
};

type Source = "hit" | "stale" | "stored" | "miss" | "direct";

const PRESETS = [
  { preset: "thumbnail", bytes: 4_000, ms: 1 },
  { preset: "card", bytes: 22_000, ms: 1.2 },
  { preset: "card@2x", bytes: 51_000, ms: 1.5 },
  { preset: "hero@960w", bytes: 95_000, ms: 2 },
  { preset: "hero", bytes: 210_000, ms: 6 },
] as const;

/** How long a visitor waits, for a preset that is as quick as `thumbnail`: ms. */
const WAIT_MS = { hit: 12, stale: 14, stored: 70, miss: 420, direct: 460 } as const;

const REFUSALS = [
  { event: "object-missing", status: 404, share: 0.9 },
  { event: "signature-wrong", status: 404, share: 0.08 },
  { event: "signature-expired", status: 410, share: 0.02 },
] as const;

/** @param viewsPerHour at the quietest hour; at the busiest three times as many */
export function simulateMonth(seed: number, viewsPerHour = 40): SimulatedMonth {
  const random = seeded(seed);
  const points: Point[] = [];
  const ledger: Ledger = {
    requests: 0,
    failed: 0,
    refused: 0,
    bytes: 0,
    views: { hit: 0, stale: 0, stored: 0, miss: 0, direct: 0 },
    errors: {},
    failedBy: {},
    failedOn: {},
  };

  for (let hour = 0; hour < HOURS; hour += 1) {
    const views = Math.round(viewsPerHour * (2 - Math.cos(((hour % 24) * Math.PI) / 12)));
    for (let view = 0; view < views; view += 1) {
      const time = MONTH.from + hour * HOUR_MS + Math.floor(random() * HOUR_MS);
      const metrics = simulateRequest(random, hour);
      // Analytics Engine samples a busy route.
      const weight = random() < 0.2 ? 4 : 1;
      const { blobs, doubles } = dataPoint(metrics);
      points.push({ time, weight, blobs: blobs.map(String), doubles });
      count(ledger, metrics, time, weight);
    }

    for (let ask = 0; ask < HEALTH_ASKS; ask += 1) {
      const time = MONTH.from + (hour + ask / HEALTH_ASKS) * HOUR_MS;
      points.push({ time, weight: 1, ...healthPoint(hour) });
    }
  }
  return { points, ledger };
}

/** The data point of the operator's monitoring, which is no visitor: nothing in the ledger counts it. */
function healthPoint(hour: number): Pick<Point, "blobs" | "doubles"> {
  const isOutage = hour >= OUTAGE.from && hour < OUTAGE.until;
  const { blobs, doubles } = dataPoint({ status: isOutage ? 503 : 200, ms: 40, bytes: 0 });
  return { blobs: blobs.map(String), doubles };
}

function simulateRequest(random: Random, hour: number): RequestMetrics {
  const { preset, bytes, ms } = PRESETS[Math.floor(random() ** 1.5 * PRESETS.length)] ?? PRESETS[0];
  const bucket = random() < 0.85 ? "media" : "people";
  const request = { route: "/images/:preset/*", preset, bucket };

  if (random() < 0.02) {
    const draw = random();
    const refusal = draw < 0.9 ? REFUSALS[0] : draw < 0.98 ? REFUSALS[1] : REFUSALS[2];
    const { event, status } = refusal;
    return { ...request, event, status, ms: 30 + random() * 40, bytes: 0, cache: "miss" };
  }

  // In the outage, what is not in a cache fails, and what is there is stale.
  const isOutage = hour >= OUTAGE.from && hour < OUTAGE.until;
  if (isOutage && random() < 0.3) {
    const isSlow = random() < 0.2;
    const failure = isSlow ? { status: 504, ms: 9_000 } : { status: 502, ms: 1_500 };
    return { ...request, ...failure, event: "origin-failed", bytes: 0, cache: "miss" };
  }

  const source = isOutage ? "stale" : drawSource(random, hour);
  const wait = WAIT_MS[source] * ms * (0.5 + random() * random() * 4);
  const size = bytes * (0.6 + random() * 0.8);
  const image = { format: random() < 0.8 ? "avif" : "webp", event: "shown", status: 200 };
  return { ...request, ...image, cache: source, ms: Math.round(wait), bytes: Math.round(size) };
}

/** The caches fill in the first days. */
function drawSource(random: Random, hour: number): Source {
  const missing = 0.02 + 0.3 * Math.exp(-hour / 60);
  const draw = random();
  if (draw < missing) return random() < 0.97 ? "miss" : "direct";
  if (draw < missing + 0.05) return "stored";
  if (draw < missing + 0.09) return "stale";
  return "hit";
}

function count(ledger: Ledger, metrics: RequestMetrics, time: number, weight: number): void {
  const { event = "", status, bytes, cache, preset, bucket } = metrics;
  ledger.requests += weight;
  ledger.bytes += weight * bytes;

  if (status < 400) {
    ledger.views[cache as Source] += weight;
    return;
  }

  add(ledger.errors, `${event} ${status}`, weight);
  if (status < 500) {
    ledger.refused += weight;
    return;
  }

  ledger.failed += weight;
  add(ledger.failedBy, `${preset} ${bucket}`, weight);
  add(ledger.failedOn, new Date(time).toISOString().slice(0, 10), weight);
}

function add(counts: Record<string, number>, name: string, weight: number): void {
  counts[name] = (counts[name] ?? 0) + weight;
}
