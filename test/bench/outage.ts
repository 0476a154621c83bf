// Runs a month to its middle, where no object can be read for a day, and counts who gets an image.

import { createPipeline, type Scenario } from "./pipeline.ts";
import { STRIDE } from "./simulate.ts";
import { MONTH, type Settings, traceOf } from "./trace.ts";

/**
 * S3 is down, or it refuses both keys: to the edge that is the same, because the Worker lets it keep no
 * failure (C4).
 */
export type Outage = {
  /** In these 24 hours. */
  readonly requests: number;
  /** Requests that were answered with an image. */
  readonly images: number;
  /** The share of these, in percent. */
  readonly percent: number;
  /** Requests in the 24 hours after it that were not answered with an image. */
  readonly failedAfter: number;
};

const HOUR = 3_600_000;

/** The 24 hours in the middle of the month. */
const MIDDLE = (MONTH.start + MONTH.end) / 2;
const DOWN = { from: MIDDLE - 12 * HOUR, until: MIDDLE + 12 * HOUR };
const END = DOWN.until + 24 * HOUR;

/** The share of a month's requests that are played. */
export const PLAYED = (END - MONTH.start) / (MONTH.end - MONTH.start);

/** @param step is called from time to time, with the number of requests since the last call */
export function simulateOutage(
  settings: Settings,
  scenario: Scenario,
  step: (requests: number) => void = () => {},
): Outage {
  const pipeline = createPipeline(scenario);
  let [played, requests, images, failedAfter] = [0, 0, 0, 0];
  for (const event of traceOf(settings)) {
    const { at } = event;
    if (at >= END) break;
    if (event.kind === "replacement") {
      pipeline.replace(event);
      continue;
    }
    const isDown = DOWN.from <= at && at < DOWN.until;
    const { image } = pipeline.show(event, isDown);
    if (isDown) requests += 1;
    if (isDown && image) images += 1;
    if (!isDown && !image) failedAfter += 1;
    played += 1;
    if (played % STRIDE === 0) step(STRIDE);
  }
  step(played % STRIDE);
  return { requests, images, percent: (100 * images) / (requests || 1), failedAfter };
}
