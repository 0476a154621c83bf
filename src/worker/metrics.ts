// Writes one data point a request to the binding METRICS, if there is one. No request fails or waits
// because of it.

import { dataPoint } from "./base/data-point.ts";
import { has } from "./base/json.ts";
import { logNotice, type Subject } from "./base/log.ts";
import { countRepeated, type Repeated } from "./base/repeated.ts";
import { isDataset } from "./config/config.ts";

/** What is recorded of a request besides its answer. */
type Recorded = {
  readonly subject?: Subject | undefined;
  /** `shown`, or why there is no image. */
  readonly event?: string | undefined;
  /** When the request began: ms since 1970. */
  readonly began: number;
};

/**
 * Records a request, also one that a broken configuration refuses: only METRICS itself must be right.
 * @param answer what the visitor gets. Its body is not read
 * @param now ms since 1970
 */
export function record(env: object, answer: Response, recorded: Recorded, now: number): void {
  if (!has(env, "METRICS") || !isDataset(env.METRICS)) return;
  const { subject, event, began } = recorded;
  const { status, headers, body } = answer;
  const bytes = body ? Number(headers.get("content-length") ?? 0) : 0;
  try {
    env.METRICS.writeDataPoint(dataPoint({ ...subject, status, event, ms: now - began, bytes }));
  } catch (error) {
    const { times, isTold, next } = countRepeated(losses.get(env), now);
    losses.set(env, next);
    if (!isTold) logNotice({ event: "metrics-failed", lost: times, reason: `${error}` });
  }
}

/** The data points that could not be written. */
const losses = new WeakMap<object, Repeated>();
