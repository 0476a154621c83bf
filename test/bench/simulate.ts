// Runs a month through a pipeline, and counts.

import { FREE } from "../../src/cli/project/costs.ts";
import { lifetime } from "../../src/emulator/edge/lifetime.ts";
import { createFreshness, type Freshness } from "./freshness.ts";
import { createPipeline, type Scenario } from "./pipeline.ts";
import { type Bill, billOf } from "./prices.ts";
import { bytesOfObjects, MONTH, type Settings, traceOf } from "./trace.ts";

export type Result = Freshness & {
  readonly requests: number;
  /** Requests for which a rendition was made while the visitor waited. */
  readonly waits: number;
  /** Requests to the edge that a kept rendition answered. */
  readonly printHits: number;
  /** Requests to the edge for which a rendition was made from a kept original. */
  readonly originalHits: number;
  /** Requests to the edge for which it asked S3. */
  readonly originFetches: number;
  readonly bytesFromS3: number;
  /** Unique transformations (L2). */
  readonly transformations: number;
  /** Hours until the free transformations were used up; null: they lasted the month. */
  readonly freeForHours: number | null;
  readonly bill: Bill;
};

/**
 * The assumed CPU time of a request, in ms: the Worker signs, and passes a stream on. A hit of the cache
 * needs less (W12), and no request causes more than one run of the entrypoint. For a million requests a
 * month, up to 30 ms each cost nothing.
 */
const CPU_MS = 2;

/** @param step is called from time to time, with the number of requests since the last call */
export function simulate(
  settings: Settings,
  scenario: Scenario,
  step: (requests: number) => void = () => {},
): Result {
  const pipeline = createPipeline(scenario);
  const bytes = bytesOfObjects(settings);
  // One place more: that of the upper tier.
  const fresh = createFreshness(settings.places + 1, lifetime(scenario.cacheControl));
  const counts = { rendition: 0, original: 0, bucket: 0, failed: 0 };
  let waits = 0;
  let bytesFromS3 = 0;
  let spentAt: number | undefined;
  let requests = 0;

  for (const event of traceOf(settings)) {
    const { at, object } = event;
    if (event.kind === "replacement") {
      pipeline.replace(event);
      fresh.replaced(object);
      continue;
    }
    const { edge } = pipeline.show(event);
    if (edge !== undefined) {
      counts[edge.outcome] += 1;
      if (edge.waits && edge.outcome !== "rendition") waits += 1;
      if (edge.outcome === "bucket") bytesFromS3 += bytes[object] ?? 0;
      fresh.note(object, edge.place, at, edge.outcome);
    }
    if (spentAt === undefined && pipeline.transformations() > FREE) spentAt = at;
    requests += 1;
    if (requests % STRIDE === 0) step(STRIDE);
  }
  step(requests % STRIDE);

  const originFetches = counts.bucket;
  const transformations = pipeline.transformations();
  const cpuMs = requests * CPU_MS;
  return {
    requests,
    waits,
    printHits: counts.rendition,
    originalHits: counts.original,
    originFetches,
    bytesFromS3,
    transformations,
    freeForHours: spentAt === undefined ? null : (spentAt - MONTH.start) / 3_600_000,
    ...fresh.told(),
    bill: billOf({ requests, cpuMs, transformations, originFetches, bytes: bytesFromS3 }),
  };
}

/** How many requests are told at a time. */
export const STRIDE = 10_000;
