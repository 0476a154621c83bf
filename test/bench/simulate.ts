// Runs the months of a site through a pipeline, and counts. Runs copies of it through a day without S3, and counts
// who gets an image.

import { createPipeline, type EdgeRules, type Pipeline, type Scenario } from "./pipeline.ts";
import { type Bill, billOf } from "./prices.ts";
import { createSite, SITE } from "./site.ts";
import { bytesOfObjects, type Replacement, type Settings, traceOf, type Visit } from "./trace.ts";

export type Result = {
  readonly visits: number;
  /** Visits that saw a picture that was checked less than `keep` ago. */
  readonly fresh: number;
  /** Visits that saw an older picture at once. */
  readonly stale: number;
  /** Visits that waited until S3 was asked, the store at the same time, and where it has nothing the edge. */
  readonly waited: number;
  /** Those of them for which the edge made a rendition. */
  readonly waitedForEdge: number;
  /** Those of these for which it had been made before, of an older version of the object. */
  readonly waitedForReplaced: number;
  /** Visits that saw the picture of an object that was replaced. */
  readonly replacedShown: number;
  /** The longest time after which such a picture was still shown, in hours. */
  readonly replacedForHours: number;
  /** Runs of Renditions in the background. Whether these are billed is open (W18). */
  readonly backgroundRuns: number;
  /** Requests that the Worker is billed for, without these (W12). */
  readonly requests: number;
  /** GETs of the first bytes, by the Worker: in each run, and after what was made. */
  readonly checks: number;
  readonly storeReads: number;
  readonly storeWrites: number;
  /** What is stored at the end of the month. */
  readonly storeBytes: number;
  /** In the order of the edges. */
  readonly edges: readonly EdgeResult[];
};

export type EdgeResult = {
  /** GETs of originals. */
  readonly originFetches: number;
  /** By the edge and by the Worker. */
  readonly bytesFromS3: number;
  /** Unique transformations (L2). */
  readonly transformations: number;
  /** Those of them for renditions that had been made before, of an older version of the object. */
  readonly ofReplaced: number;
  readonly bill: Bill;
};

/** S3 is down for 24 hours, or it refuses both keys. */
export type Outage = {
  /** Visits in these hours. */
  readonly visits: number;
  /** Those that got an image. */
  readonly images: number;
  /** Visits in the 24 hours after it that got no image. */
  readonly failedAfter: number;
};

export type Month = {
  /** 1: the first one. */
  readonly month: number;
  readonly result: Result;
  /** On its first day, as if it had been that day. */
  readonly outage: Outage;
};

type Events = Iterable<Visit | Replacement>;

/** The assumed CPU time of a run of the gateway or of Renditions, in ms. */
const CPU_MS = 2;

/** What the Worker reads of an object to identify it (A14), and about as much again for the headers. */
const CHECK_BYTES = 2048;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/**
 * Simulates one month after the other, as far as the last one that is wanted.
 * @param months 1: the first one
 * @param step is called after each month
 */
export function simulateMonths(
  settings: Settings,
  scenario: Scenario,
  edges: readonly EdgeRules[],
  months: readonly number[],
  step: () => void,
): Month[] {
  const pipeline = createPipeline(createSite(SITE), scenario, edges);
  const bytes = bytesOfObjects(settings);
  const results: Month[] = [];
  for (let month = 1; month <= Math.max(...months); month++) {
    const isWanted = months.includes(month);
    const outage = isWanted && simulateOutage(pipeline.fork(), traceOf(settings, month));
    const result = simulateMonth(pipeline, traceOf(settings, month), bytes, scenario, edges.length);
    if (outage) results.push({ month, result, outage });
    step();
  }
  return results;
}

/** @param bytes of each object, by its number */
function simulateMonth(
  pipeline: Pipeline,
  events: Events,
  bytes: Float64Array,
  { cache, store }: Scenario,
  edgeCount: number,
): Result {
  const how = { fresh: 0, stale: 0, waited: 0 };
  const counts = { waitedForEdge: 0, waitedForReplaced: 0, backgroundRuns: 0, storeReads: 0 };
  const edges = Array.from({ length: edgeCount }, () => {
    return { originFetches: 0, bytesFromS3: 0, transformations: 0, ofReplaced: 0 };
  });
  let [replacedShown, replacedFor, runs, made] = [0, 0, 0, 0];

  for (const event of events) {
    const { at, object } = event;
    if (event.kind === "replacement") {
      pipeline.replace(object, at);
      continue;
    }
    const { how: shownHow, rendered, replacedAt } = pipeline.show(event);
    how[shownHow] += 1;
    if (replacedAt !== undefined) {
      replacedShown += 1;
      replacedFor = Math.max(replacedFor, at - replacedAt);
    }
    if (rendered === undefined) continue;
    const { waits, outcome, isReplaced, asksStore } = rendered;
    runs += 1;
    if (!waits) counts.backgroundRuns += 1;
    if (asksStore) counts.storeReads += 1;
    if (outcome !== "made") continue;
    made += 1;
    if (waits) counts.waitedForEdge += 1;
    if (waits && isReplaced) counts.waitedForReplaced += 1;
    for (const [index, edge] of edges.entries()) {
      const answer = rendered.edges[index];
      if (answer?.isBilled) edge.transformations += 1;
      if (answer?.isBilled && isReplaced) edge.ofReplaced += 1;
      if (answer?.from !== "bucket") continue;
      edge.originFetches += 1;
      edge.bytesFromS3 += bytes[object] ?? 0;
    }
  }

  const visits = how.fresh + how.stale + how.waited;
  const requests = cache === undefined ? visits : 2 * visits; // W12
  const checks = runs + (cache === undefined && !store ? 0 : made);
  const storeWrites = store ? made : 0;
  const storeBytes = store ? pipeline.madeBytes() : 0;
  const { storeReads } = counts;
  return {
    ...{ visits, ...how, ...counts, replacedShown, replacedForHours: replacedFor / HOUR },
    ...{ requests, checks, storeWrites, storeBytes },
    edges: edges.map((edge) => {
      const bytesFromS3 = edge.bytesFromS3 + checks * CHECK_BYTES;
      const { transformations, originFetches } = edge;
      const bill = billOf({
        ...{ requests, cpuMs: CPU_MS * (visits + runs), transformations, bytes: bytesFromS3 },
        ...{ s3Requests: checks + originFetches, storeReads, storeWrites, storeBytes },
      });
      return { ...edge, bytesFromS3, bill };
    }),
  };
}

/** S3 gives nothing in the first 24 hours of a month. */
function simulateOutage(pipeline: Pipeline, events: Events): Outage {
  let [visits, images, failedAfter] = [0, 0, 0];
  let downUntil: number | undefined;
  for (const event of events) {
    const { at } = event;
    downUntil ??= at + DAY;
    if (at >= downUntil + DAY) break;
    if (event.kind === "replacement") {
      pipeline.replace(event.object, at);
      continue;
    }
    const isDown = at < downUntil;
    const hasImage = pipeline.show(event, isDown).version !== undefined;
    if (isDown) visits += 1;
    if (isDown && hasImage) images += 1;
    if (!isDown && !hasImage) failedAfter += 1;
  }
  return { visits, images, failedAfter };
}
