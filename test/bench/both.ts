// Runs the same events through the model, and through the Worker with all emulators: the strict cache, the strict
// edge and the strict S3.

import sharp from "sharp";
import { beforeAll, beforeEach, expect, vi } from "vitest";
import { createCache } from "../../src/emulator/cache/cache.ts";
import { createEdgeWith } from "../../src/emulator/edge/edge.ts";
import type { Edge } from "../../src/emulator/served.ts";
import { withImages } from "../../src/emulator/with-images.ts";
import type { Loopback } from "../../src/worker/cache/loopback.ts";
import { objectTag } from "../../src/worker/cache/rendition-url.ts";
import { BASE, NEXT, NEXT_CREDENTIALS, SECRETS, VARS } from "../support/env.ts";
import { get, stage } from "../support/play.ts";
import { makeRenditionOnce, ZONE } from "../support/stand.ts";
import { createPipeline, type Shown } from "./pipeline.ts";
import { createSite, keyOf, SITE } from "./site.ts";
import { type CacheRules, UPPER } from "./tiers.ts";
import { MONTH, type Replacement, traceOf, type Visit } from "./trace.ts";

const PLACES = [0, 1];

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

/** The site with small and therefore fast renditions. */
const SMALL = {
  ...SITE,
  ...SECRETS,
  ...NEXT,
  BUCKETS: VARS.BUCKETS,
  PRESETS: {
    thumbnail: { width: 8, height: 8, fit: "cover", dpr: [1, 2] },
    card: { width: 12, dpr: [1, 1.5, 2] },
    hero: { width: 40, widths: [16, 24, 32, 40], quality: 80 },
  },
} as const;
const site = createSite(SMALL);

type Played = {
  /** Where Renditions ran, whether a visitor waited, and what the edge did. */
  readonly runs: readonly string[];
  /** Whether each visitor got an image. */
  readonly images: readonly boolean[];
  readonly transformations: number;
};

let photo: Buffer;
let replacedPhoto: Buffer;
beforeAll(async () => {
  const draw = (mean: number) => {
    const noise = { type: "gaussian", mean, sigma: 40 } as const;
    const create = { width: 200, height: 200, channels: 3, noise, background: "black" } as const;
    return sharp({ create }).jpeg({ quality: 95 }).toBuffer();
  };
  photo = await draw(128);
  replacedPhoto = await draw(90);
});
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: MONTH.start });
  return () => vi.useRealTimers();
});

/** @param cache undefined: `keep` is 0 */
type Settings = { readonly cache?: CacheRules | undefined; readonly events: boolean };

/** The results of the model. */
export function byModel(events: readonly Event[], settings: Settings): Played {
  const pipeline = createPipeline(site, { cacheControl: null, ...settings });
  let isDown = false;
  const shown = events.flatMap((event): Shown[] => {
    if (event.kind === "visit") return [pipeline.show(event, isDown)];
    if (event.kind === "replacement") pipeline.replace(event.object);
    else isDown = event.what !== "over";
    return [];
  });
  const rendered = shown.flatMap((one) => one.rendered ?? []);
  return {
    runs: rendered.map(({ place, waits, outcome }) =>
      runOf(place === UPPER ? "upper" : `${place}`, waits, outcome),
    ),
    images: shown.map(({ version }) => version !== undefined),
    transformations: pipeline.transformations(),
  };
}

/** The results of the whole Worker, with one edge a place and one for the upper tier of the strict cache. */
async function byEmulators(events: readonly Event[], settings: Settings): Promise<Played> {
  const played = { runs: [] as string[], images: [] as boolean[] };
  const edges = new Map([...PLACES.map(String), "upper"].map((place) => [place, createEdge()]));
  const edgeHere = () => {
    const { place } = stage.cache.where();
    const edge = edges.get(place);
    if (edge === undefined) throw new Error(`there is no place ${place}`);
    return edge;
  };
  let outcome = "unchanged";
  const fetch: Edge["fetch"] = async (url, init) => {
    const edge = edgeHere();
    const fetches = edge.originFetches.length;
    const answer = await edge.fetch(url, init);
    const isKept = answer.headers.get("cf-resized") === "internal=ram/h";
    const made = edge.originFetches.length > fetches ? "bucket" : "original";
    outcome = answer.ok ? (isKept ? "rendition" : made) : "failed";
    return answer;
  };
  const { keep, stale, staleIfError, runsIn } = settings.cache ?? WITHOUT_CACHE;
  const cache = createCache({ now: () => stage.clock.now, runsIn });
  Object.assign(stage, { cache, edge: { ...stage.edge, fetch } });
  let renditions: Loopback | undefined;
  stage.exported = (own) => {
    renditions = own;
    return own;
  };
  const env = { ...SMALL, ANSWERS: { keep, stale, stale_if_error: staleIfError } };
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  const replaced = new Map<number, number>();

  async function visit(visited: Visit): Promise<void> {
    outcome = stage.s3.faults.size > 0 ? "failed" : "unchanged";
    const [runs, place] = [cache.runs.length, `${visited.place}`];
    const path = `/images/${site.chooseVariant(visited).name}/${keyOf(visited.object)}`;
    const answer = await get(path, { headers: { accept: visited.accept } }, env, place);
    expect([200, 502, 504]).toContain(answer.status);
    await Promise.all([cache.settled(), ...stage.after]);
    const run = cache.runs[runs];
    if (run !== undefined) played.runs.push(runOf(run.place, run.why !== "revalidate", outcome));
    else if (keep === 0) played.runs.push(runOf(place, true, outcome));
    played.images.push(answer.ok);
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
    const { object, kind } = event;
    const times = (replaced.get(object) ?? 0) + (kind === "replacement" ? 1 : 0);
    replaced.set(object, times);
    // The same length, but other bytes each time: what follows the picture is ignored.
    const body = Buffer.concat([times % 2 ? replacedPhoto : photo, Buffer.from(`${times}`)]);
    stage.s3.objects.set(`published/${keyOf(object)}`, { body, type: "image/jpeg" });
    if (event.kind === "visit") {
      await visit(event);
    } else if (settings.events) {
      const tags = [await objectTag({ base: BASE }, `published/${keyOf(object)}`)];
      const purged = await renditions?.purge({ tags });
      if (purged) expect(purged).toEqual({ success: true, errors: [] });
    }
  }
  const billed = new Set([...edges.values()].flatMap((edge) => [...edge.transformations]));
  return { ...played, transformations: billed.size };
}

const WITHOUT_CACHE: CacheRules = { keep: 0, stale: 0, staleIfError: 0, runsIn: "visitor" };

function createEdge(): Edge {
  return withImages(
    createEdgeWith(makeRenditionOnce, {
      ...{ zone: ZONE, sources: [new URL(BASE).host], now: () => stage.clock.now },
      fetch: (input, init) => fetch(input, init),
    }),
  );
}

/** What the Worker does. It fails if the model does anything else. */
export async function compare(events: readonly Event[], settings: Settings): Promise<Played> {
  const played = await byEmulators(events, settings);
  expect(byModel(events, settings)).toEqual(played);
  return played;
}

function runOf(place: string, waits: boolean, outcome: string): string {
  return `${place}, ${waits ? "the visitor waits" : "in the background"}: ${outcome}`;
}
