// Runs a month through a pipeline, and counts. Runs it also to a day without S3, and counts who gets an image.

import { createPipeline, type Scenario } from "./pipeline.ts";
import { type Bill, billOf } from "./prices.ts";
import type { Site } from "./site.ts";
import { MONTH, type Replacement, type Visit } from "./trace.ts";

/** A month: what happens, and how large the objects are. */
export type Month = {
  readonly site: Site;
  readonly events: readonly (Visit | Replacement)[];
  /** By the number of the object. */
  readonly bytes: Float64Array;
};

export type Result = {
  readonly visits: number;
  /** Visits that saw a picture that was checked less than `keep` ago. */
  readonly fresh: number;
  /** Visits that saw an older picture at once. */
  readonly stale: number;
  /** Visits that waited until S3 was asked, and where it is new, until the edge had made it. */
  readonly waited: number;
  /** Those of them for which the edge made a rendition. */
  readonly waitedForEdge: number;
  /** Visits that saw the picture of an object that was replaced. */
  readonly replacedShown: number;
  /** The longest time after which such a picture was still shown, in hours. */
  readonly replacedForHours: number;
  /** Runs of Renditions in the background. Whether these are billed is open (W18). */
  readonly backgroundRuns: number;
  /** Requests that the Worker is billed for, without these (W12). */
  readonly requests: number;
  /** GETs of the first bytes, by the Worker. */
  readonly checks: number;
  /** GETs of originals, by the edge. */
  readonly originFetches: number;
  readonly bytesFromS3: number;
  /** Unique transformations (L2). */
  readonly transformations: number;
  readonly bill: Bill;
};

/** The assumed CPU time of a run of the gateway or of Renditions, in ms. */
const CPU_MS = 2;

/** What the Worker reads of an object to identify it (A14), and about as much again for the headers. */
const CHECK_BYTES = 2048;

export function simulate({ site, events, bytes }: Month, scenario: Scenario): Result {
  const pipeline = createPipeline(site, scenario);
  const how = { fresh: 0, stale: 0, waited: 0 };
  /** When each version of an object was replaced. */
  const replacedAt = new Map<number, number[]>();
  let [waitedForEdge, replacedShown, replacedFor] = [0, 0, 0];
  let [backgroundRuns, checks, originFetches, bytesFromS3] = [0, 0, 0, 0];

  for (const event of events) {
    const { at, object } = event;
    if (event.kind === "replacement") {
      pipeline.replace(object);
      replacedAt.set(object, [...(replacedAt.get(object) ?? []), at]);
      continue;
    }
    const { version, how: shownHow, rendered } = pipeline.show(event);
    how[shownHow] += 1;
    if (version !== undefined && version < pipeline.versionOf(object)) {
      replacedShown += 1;
      replacedFor = Math.max(replacedFor, at - (replacedAt.get(object)?.[version] ?? at));
    }
    if (rendered === undefined) continue;
    checks += 1;
    if (!rendered.waits) backgroundRuns += 1;
    if (rendered.outcome === "unchanged") continue;
    if (rendered.waits && rendered.outcome !== "rendition") waitedForEdge += 1;
    if (rendered.outcome !== "bucket") continue;
    originFetches += 1;
    bytesFromS3 += bytes[object] ?? 0;
  }

  const visits = how.fresh + how.stale + how.waited;
  const requests = scenario.cache === undefined ? visits : 2 * visits; // W12
  bytesFromS3 += checks * CHECK_BYTES;
  const transformations = pipeline.transformations();
  return {
    ...{ visits, ...how, waitedForEdge, replacedShown, replacedForHours: replacedFor / HOUR },
    ...{ backgroundRuns, requests, checks, originFetches, bytesFromS3, transformations },
    bill: billOf({
      requests,
      cpuMs: CPU_MS * (visits + checks),
      transformations,
      s3Requests: checks + originFetches,
      bytes: bytesFromS3,
    }),
  };
}

/** S3 is down for 24 hours, or it refuses both keys. */
export type Outage = {
  /** Visits in these hours. */
  readonly visits: number;
  /** Those that got an image. */
  readonly images: number;
  /** Visits in the 24 hours after it that got no image. */
  readonly failedAfter: number;
};

const HOUR = 3_600_000;

/** The 24 hours in the middle of the month. */
const MIDDLE = (MONTH.start + MONTH.end) / 2;
const DOWN = { from: MIDDLE - 12 * HOUR, until: MIDDLE + 12 * HOUR };

export function simulateOutage({ site, events }: Month, scenario: Scenario): Outage {
  const pipeline = createPipeline(site, scenario);
  let [visits, images, failedAfter] = [0, 0, 0];
  for (const event of events) {
    const { at } = event;
    if (at >= DOWN.until + 24 * HOUR) break;
    if (event.kind === "replacement") {
      pipeline.replace(event.object);
      continue;
    }
    const isDown = DOWN.from <= at && at < DOWN.until;
    const hasImage = pipeline.show(event, isDown).version !== undefined;
    if (isDown) visits += 1;
    if (isDown && hasImage) images += 1;
    if (!isDown && !hasImage) failedAfter += 1;
  }
  return { visits, images, failedAfter };
}
