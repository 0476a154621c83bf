// Runs a trace through the model of the edge with one design, and counts.

import { FREE } from "../../src/cli/project/costs.ts";
import { lifetime } from "../../src/emulator/edge/lifetime.ts";
import { createAsk, type Design } from "./designs.ts";
import { createFreshness, type Freshness } from "./freshness.ts";
import { createModel } from "./model.ts";
import { type Bill, billOf } from "./prices.ts";
import { bytesOfObjects, MONTH, type Settings, traceOf } from "./trace.ts";

export type Result = Freshness & {
  readonly requests: number;
  /** Requests that a kept rendition answered. */
  readonly printHits: number;
  /** Requests for which a rendition was made from a kept original. */
  readonly originalHits: number;
  /** Requests for which the edge asked S3. */
  readonly originFetches: number;
  readonly bytesFromS3: number;
  /** Unique transformations (L2). */
  readonly transformations: number;
  /** Hours until the free transformations were used up; null: they lasted the month. */
  readonly freeForHours: number | null;
  readonly bill: Bill;
};

/**
 * The assumed CPU time of a request, in ms: the Worker signs, and passes a stream on. For a million
 * requests a month, up to 30 ms each cost nothing.
 */
const CPU_MS = 2;

/**
 * @param cacheControl the cache-control of the objects; null: there is none
 * @param step is called from time to time, with the number of requests since the last call
 */
export function simulate(
  settings: Settings,
  design: Design,
  cacheControl: string | null,
  step: (requests: number) => void = () => {},
): Result {
  const seconds = lifetime(cacheControl); // C1
  const model = createModel();
  const ask = createAsk();
  const bytes = bytesOfObjects(settings);
  const fresh = createFreshness(settings.places, seconds);
  const counts = { rendition: 0, original: 0, bucket: 0 };
  let bytesFromS3 = 0;
  let spentAt: number | undefined;
  let requests = 0;

  for (const event of traceOf(settings)) {
    const { at, object } = event;
    if (event.kind === "replacement") {
      model.purge(design.purged(object)); // C3
      fresh.replaced(object);
      continue;
    }
    const outcome = model.ask(ask(design.call(event)), event.place, at, seconds);
    counts[outcome] += 1;
    if (outcome === "bucket") bytesFromS3 += bytes[object] ?? 0;
    fresh.note(object, event.place, at, outcome);
    if (spentAt === undefined && model.transformations() > FREE) spentAt = at;
    requests += 1;
    if (requests % STRIDE === 0) step(STRIDE);
  }
  step(requests % STRIDE);

  const originFetches = counts.bucket;
  const transformations = model.transformations();
  const cpuMs = requests * CPU_MS;
  return {
    requests,
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

const STRIDE = 10_000;
