// Runs the same events through the model, and through the Worker with all emulators: the strict cache, the
// strict edge and the strict S3.

import sharp from "sharp";
import { beforeAll, beforeEach, expect, vi } from "vitest";
import { createCache } from "../../src/emulator/cache/cache.ts";
import type { Edge } from "../../src/emulator/served.ts";
import { objectTag } from "../../src/worker/cache/tags.ts";
import { BASE, NEXT_CREDENTIALS } from "../support/env.ts";
import { stage } from "../support/play.ts";
import { type DesignName, keyOf } from "./designs.ts";
import { putOnStage, watched, watchLoopback } from "./emulated.ts";
import type { Outcome } from "./model.ts";
import { createPipeline } from "./pipeline.ts";
import { ASKING, designs, SMALL } from "./small-site.ts";
import { type CacheRules, UPPER } from "./tiers.ts";
import { MONTH, type Replacement, traceOf, type Visit } from "./trace.ts";

export const PLACES = [0, 1];

/** What happens to the bucket. */
export type Trouble = {
  readonly kind: "trouble";
  readonly at: number;
  readonly what: "S3 is down" | "both keys are dead" | "over";
};

export type Event = Visit | Replacement | Trouble;

const FEW = { seed: 7, requests: 80, objects: 3, places: 2, replacements: 4, zipf: 0.9 };
/** A month in four hours: many images are asked for again while they are fresh. */
export const month = [...traceOf(FEW)].map((event): Event => {
  return { ...event, at: MONTH.start + Math.floor((event.at - MONTH.start) / 180) };
});

type Played = {
  /** What each request to the edge gave, in order. */
  readonly outcomes: readonly Outcome[];
  /** Where the edge was asked for them, and whether a visitor waited. */
  readonly calls: readonly string[];
  /** Whether each visitor got an image. */
  readonly images: readonly boolean[];
  readonly transformations: number;
};

let photo: Buffer;
beforeAll(async () => {
  const noise = { type: "gaussian", mean: 128, sigma: 40 } as const;
  const create = { width: 200, height: 200, channels: 3, noise, background: "black" } as const;
  photo = await sharp({ create }).jpeg({ quality: 95 }).toBuffer();
});
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: MONTH.start });
  return () => vi.useRealTimers();
});

/** The results of the model. */
export function byModel(
  design: DesignName,
  cacheControl: string | null,
  events: readonly Event[],
  cache?: CacheRules,
): Played {
  const pipeline = createPipeline({ design: designs[design], cacheControl, cache });
  let isDown = false;
  const shown = events.flatMap((event) => {
    if (event.kind === "visit") return [pipeline.show(event, isDown)];
    if (event.kind === "replacement") pipeline.replace(event);
    else isDown = event.what !== "over";
    return [];
  });
  const edge = shown.flatMap(({ edge }) => edge ?? []);
  return {
    outcomes: edge.map(({ outcome }) => outcome),
    calls: edge.map(({ place, waits }) => callOf(place === UPPER ? "upper" : `${place}`, waits)),
    images: shown.map(({ image }) => image),
    transformations: pipeline.transformations(),
  };
}

/** The results of the strict edge, with one edge a place and one for the upper tier of the strict cache. */
export async function byEmulators(
  design: DesignName,
  cacheControl: string | null,
  events: readonly Event[],
  rules?: CacheRules,
): Promise<Played & { edges: readonly Edge[] }> {
  const played = { outcomes: [] as Outcome[], calls: [] as string[], images: [] as boolean[] };
  let seen: Outcome[] = [];
  const edges = new Map(
    [...PLACES.map(String), "upper"].map((place) => [place, watched((one) => seen.push(one))]),
  );
  putOnStage(edges);
  const runsIn = rules?.runsIn ?? "upper";
  const cache = createCache({ now: () => stage.clock.now, runsIn });
  Object.assign(stage, { cache });
  const renditions = watchLoopback();
  const { keep, stale, staleIfError } = rules ?? { keep: 0, stale: 0, staleIfError: 0 };
  const env = { ...SMALL, ANSWERS: { keep, stale, stale_if_error: staleIfError } };
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);

  async function visited(visit: Visit): Promise<void> {
    seen = [];
    const runs = cache.runs.length;
    const place = `${visit.place}`;
    const image = await ASKING[design](visit, edges.get(place), env);
    await Promise.all([cache.settled(), ...stage.after]);
    // The Worker asks again with its other key before it gives up.
    const outcomes = seen.every((one) => one === "failed") ? seen.slice(0, 1) : seen;
    const run = cache.runs[runs];
    const call = run ? callOf(run.place, run.why !== "revalidate") : callOf(place, true);
    played.outcomes.push(...outcomes);
    played.calls.push(...outcomes.map(() => call));
    played.images.push(image);
  }

  for (const event of events) {
    stage.clock.now = event.at;
    vi.setSystemTime(event.at);
    if (event.kind === "trouble") {
      stage.s3.faults.clear();
      if (event.what === "S3 is down") stage.s3.faults.add("ServiceUnavailable");
      if (event.what === "both keys are dead") stage.s3.faults.add("revoked-key");
      continue;
    }
    const object = { body: photo, type: "image/jpeg" };
    const stored = cacheControl === null ? object : { ...object, cacheControl };
    stage.s3.objects.set(`published/${keyOf(event.object)}`, stored);
    if (event.kind === "visit") {
      await visited(event);
      continue;
    }
    const source = designs[design].purged(event.object);
    for (const edge of edges.values()) edge.purge(source);
    const tags = [await objectTag({ base: BASE }, `published/${keyOf(event.object)}`)];
    const purged = await renditions()?.purge({ tags });
    if (purged) expect(purged).toEqual({ success: true, errors: [] });
  }
  const billed = new Set([...edges.values()].flatMap((edge) => [...edge.transformations]));
  return { ...played, transformations: billed.size, edges: [...edges.values()] };
}

/** What the emulators do. It fails if the model does anything else. */
export async function compare(
  design: DesignName,
  cacheControl: string | null,
  events: readonly Event[],
  rules?: CacheRules,
): Promise<Played> {
  const { edges: _, ...played } = await byEmulators(design, cacheControl, events, rules);
  expect(byModel(design, cacheControl, events, rules)).toEqual(played);
  return played;
}

function callOf(place: string, waits: boolean): string {
  return `${place}, ${waits ? "the visitor waits" : "in the background"}`;
}
