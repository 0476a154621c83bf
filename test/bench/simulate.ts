// Runs a trace through the model of the edge, in one design, and counts.

import { FREE } from "../../src/cli/project/costs.ts";
import { lifetime } from "../../src/emulator/edge/lifetime.ts";
import { createAsk, type Design } from "./designs.ts";
import { createFreshness, type Freshness } from "./freshness.ts";
import { createModel } from "./model.ts";
import { type Bill, billOf } from "./prices.ts";
import { bytesOfObjects, MONTH, type Settings, traceOf } from "./trace.ts";

export type Result = Freshness & {
  readonly requests: number;
  /** Requests that a kept print answered. */
  readonly printHits: number;
  /** Requests for which a print was made of a kept original. */
  readonly originalHits: number;
  /** Requests for which S3 was asked. */
  readonly originFetches: number;
  readonly bytesFromS3: number;
  /** Unique ones (L2). */
  readonly transformations: number;
  /** Hours until the free ones were used up; null: they lasted the month. */
  readonly freeForHours: number | null;
  readonly bill: Bill;
};

/**
 * What the Worker is taken to need for a request: it signs, and passes a stream on. Of a million requests
 * nothing is billed below 30.
 */
const CPU_MS = 2;

/**
 * @param cacheControl what S3 says with the objects; null: nothing
 * @param step is called now and then, with the number of requests since
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
  const counts = { print: 0, original: 0, bucket: 0 };
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
    printHits: counts.print,
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
