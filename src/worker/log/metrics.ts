// Writes one data point a request to the binding METRICS, if there is one. No request fails or waits
// because of it.

import { hasMethods, hasProperty } from "../util/json.ts";
import { countForLog, type LogCount } from "../util/time.ts";
import { type LogFields, logNotice } from "./log.ts";

/** Returns whether data points can be written to a binding. */
export const isDataset =
  hasMethods<Pick<AnalyticsEngineDataset, "writeDataPoint">>("writeDataPoint");

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
  const now = Date.now();
  const { status, headers, body } = answer;
  const bytes = body ? Number(headers.get("content-length")) : 0;
  try {
    env.METRICS.writeDataPoint(dataPoint({ ...logFields, event, status, ms: now - began, bytes }));
  } catch (error) {
    const { times, shouldLog, next } = countForLog(losses.get(env), now);
    losses.set(env, next);
    if (shouldLog) logNotice({ event: "metrics-failed", lost: times, reason: `${error}` });
  }
}

/** The data points that could not be written. */
const losses = new WeakMap<object, LogCount>();

/** The metrics of one request. A text that is absent becomes "". */
export type RequestMetrics = Omit<LogFields, "cache" | "fallback"> & {
  readonly cache?: string | undefined;
  /** The status that the visitor gets. */
  readonly status: number;
  /** `shown`, or why there is no image. */
  readonly event?: string | undefined;
  /** From the request to the beginning of the answer: ms. */
  readonly ms: number;
  /** The length of the body. */
  readonly bytes: number;
};

/** Analytics Engine drops a data point with a longer index: bytes. */
const MAX_INDEX_BYTES = 96;

/** All blobs of a data point may have 16 KB. Seven of this length have 14 KB: bytes. */
const MAX_BLOB_BYTES = 2048;

/** The data point of a request. Its index, by which Analytics Engine samples, is the route. */
export function dataPoint(metrics: RequestMetrics): Required<AnalyticsEngineDataPoint> {
  const { route, preset, format, status, event, cache, bucket, ms, bytes } = metrics;
  const texts = [route, preset, format, `${status}`, event, cache, bucket];
  return {
    indexes: [cut(route ?? "", MAX_INDEX_BYTES)],
    blobs: texts.map((text) => cut(text ?? "", MAX_BLOB_BYTES)),
    doubles: [amount(ms), amount(bytes)],
  };
}

/** A number that can be added up. A clock may be set back, and a header may say anything. */
function amount(number: number): number {
  return Number.isFinite(number) ? Math.max(0, number) : 0;
}

/** The beginning of a text that has at most so many bytes in UTF-8, without half a character. */
function cut(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text; // a UTF-16 unit has at most three bytes
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}
