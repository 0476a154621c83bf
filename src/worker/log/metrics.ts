// Writes one data point a request to the binding METRICS, a dataset of Cloudflare's Analytics Engine, if there is one.
// No request fails or waits because of it. Nothing that a visitor made up is in a data point: no key, no query, no
// address.

import { hasMethods, hasProperty } from "../util/json.ts";
import { countForLog, type LogCount } from "../util/time.ts";
import { type LogFields, logNotice } from "./log.ts";

/** The metrics of one request. */
export type RequestMetrics = Pick<LogFields, "route" | "preset" | "bucket" | "format"> & {
  readonly cache?: string | undefined;
  /** The status that the visitor gets. */
  readonly status: number;
  /** `shown`, or why there is no image. */
  readonly event?: string | undefined;
  /** From the request to the beginning of the answer: ms. */
  readonly ms: number;
  /** The length of the body, as its header says: it may be any number, or NaN. */
  readonly bytes: number;
};

/** Returns whether data points can be written to a value: `(value: unknown) => value is { writeDataPoint }`. */
export const isDataset =
  hasMethods<Pick<AnalyticsEngineDataset, "writeDataPoint">>("writeDataPoint");

/** The data points that could not be written, for the log. */
const losses = new WeakMap<object, LogCount>();

/**
 * Records a request, also one that a broken configuration refuses: only METRICS itself must be right.
 * @param answer what the visitor gets. Its body is not read
 * @param event `shown`, or why there is no image
 * @param began when the request began: ms since 1970
 */
export function record(
  env: object,
  answer: Response,
  logFields: LogFields | undefined,
  event: string | undefined,
  began: number,
): void {
  if (!hasProperty(env, "METRICS") || !isDataset(env.METRICS)) return;

  const { status, body, headers } = answer;
  const now = Date.now();

  // The answer to HEAD has no body, but it may have the length of one. A missing length is 0: `Number(null)`.
  const bytes = body ? Number(headers.get("content-length")) : 0;
  const metrics = { ...logFields, event, status, ms: now - began, bytes };

  try {
    env.METRICS.writeDataPoint(dataPoint(metrics));
  } catch (error) {
    // A binding that fails fails for every request: one line a minute says so.
    const { times, shouldLog, logCount } = countForLog(losses.get(env), now);
    losses.set(env, logCount);
    if (shouldLog) logNotice({ event: "metrics-failed", lost: times, reason: `${error}` });
  }
}

/** An index has so many bytes at most. Analytics Engine drops a data point with a longer one. */
const MAX_INDEX_BYTES = 96;

/** A blob has so many bytes at most. All blobs together may have 16 KB: seven of this length have 14 KB. */
const MAX_BLOB_BYTES = 2048;

/** Makes the data point of a request. The order of its columns is that of docs/metrics.md. */
export function dataPoint(metrics: RequestMetrics): Required<AnalyticsEngineDataPoint> {
  const { route, preset, format, status, event, cache, bucket, ms, bytes } = metrics;
  const texts = [route, preset, format, `${status}`, event, cache, bucket];

  return {
    // By its index, Analytics Engine samples: rare routes stay visible beside busy ones.
    indexes: [cut(route, MAX_INDEX_BYTES)],
    blobs: texts.map((text) => cut(text, MAX_BLOB_BYTES)),
    doubles: [amount(ms), amount(bytes)],
  };
}

/** The beginning of a text, with so many bytes of UTF-8 at most, and without half a character. */
function cut(text: string | undefined, maxBytes: number): string {
  // A blob cannot be absent: the columns behind it would move.
  if (text === undefined) return "";

  // A UTF-16 unit has at most three bytes in UTF-8, so a short text needs no encoding.
  if (text.length * 3 <= maxBytes) return text;

  // `encodeInto` ends before the first character that does not fit. `read` is how many UTF-16 units it has encoded.
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}

/** A number that can be added up. A clock may be set back, and a header may say anything. */
function amount(number: number): number {
  if (!Number.isFinite(number)) return 0;
  return Math.max(0, number);
}
