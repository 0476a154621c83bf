// Runs the same events through the model, and through the Worker with all emulators: the strict cache, the strict
// edge, the strict S3, and R2 as the store.

import sharp from "sharp";
import { beforeAll, beforeEach, expect, vi } from "vitest";
import { createCache } from "../../src/emulator/cache/cache.ts";
import { createEdgeWith } from "../../src/emulator/edge/edge.ts";
import { createR2 } from "../../src/emulator/r2/r2.ts";
import type { Edge } from "../../src/emulator/served.ts";
import { withImages } from "../../src/emulator/with-images.ts";
import type { Loopback } from "../../src/worker/cache/loopback.ts";
import { objectTag } from "../../src/worker/cache/rendition-url.ts";
import { BASE, NEXT, NEXT_CREDENTIALS, SECRETS, VARS } from "../support/env.ts";
import { get, stage } from "../support/play.ts";
import { makeRenditionOnce, ZONE } from "../support/stand.ts";
import { createPipeline, type EdgeRules, type Shown } from "./pipeline.ts";
import { createSite, keyOf, SITE } from "./site.ts";
import type { CacheRules } from "./tiers.ts";
import { MONTH, type Replacement, traceOf, type Visit } from "./trace.ts";

const PLACES = [0, 1];

/** What happens to the bucket, or to Workers Cache. */
export type Trouble = {
  readonly kind: "trouble";
  readonly at: number;
  readonly what: "S3 is down" | "both keys are dead" | "over" | "the cache is emptied";
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
  /** For each run of Renditions: whether a visitor waited, what came of it, and whom it asked how often. */
  readonly runs: readonly string[];
  /** Whether each visitor got an image. */
  readonly images: readonly boolean[];
  readonly transformations: number;
};

/** What came of a run, and how many requests reached S3, the edge and the store. */
type Run = {
  readonly waits: boolean;
  /** What the edge did; or what came without it. */
  readonly outcome: string;
  /** Undefined in an outage: some requests are repeated. */
  readonly checks: number | undefined;
  readonly reads: number;
  readonly writes: number;
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

type Settings = {
  /** Undefined: `keep` is 0. */
  readonly cache?: CacheRules | undefined;
  readonly runsIn: EdgeRules["runsIn"];
  readonly store: boolean;
  readonly events: boolean;
};

/** The results of the model. */
export function byModel(events: readonly Event[], { runsIn, ...scenario }: Settings): Played {
  const pipeline = createPipeline(site, scenario, [{ cacheControl: null, runsIn }]);
  let isDown = false;
  const shown: Shown[] = [];
  const runs: string[] = [];
  for (const event of events) {
    if (event.kind === "replacement") {
      pipeline.replace(event.object, event.at);
    } else if (event.kind === "visit") {
      const one = pipeline.show(event, isDown);
      shown.push(one);
      if (one.rendered === undefined) continue;
      const { waits, outcome, asksStore, edges } = one.rendered;
      const isMade = outcome === "made";
      const isChecked = isMade && (scenario.store || scenario.cache !== undefined);
      runs.push(
        textOf({
          ...{ waits, outcome: edges[0]?.from ?? outcome, reads: asksStore ? 1 : 0 },
          checks: isDown ? undefined : isChecked ? 2 : 1,
          writes: isMade && scenario.store ? 1 : 0,
        }),
      );
    } else if (event.what === "the cache is emptied") {
      for (let object = 0; object < FEW.objects; object++) pipeline.purge(object);
    } else isDown = event.what !== "over";
  }
  const answers = shown.flatMap(({ rendered }) => rendered?.edges ?? []);
  return {
    runs,
    images: shown.map(({ version }) => version !== undefined),
    transformations: answers.filter(({ isBilled }) => isBilled).length,
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
  let edgeOutcome: string | undefined;
  const fetch: Edge["fetch"] = async (url, init) => {
    const edge = edgeHere();
    const fetches = edge.originFetches.length;
    const answer = await edge.fetch(url, init);
    const isKept = answer.headers.get("cf-resized") === "internal=ram/h";
    const made = edge.originFetches.length > fetches ? "bucket" : "original";
    edgeOutcome = answer.ok ? (isKept ? "rendition" : made) : "failed";
    return answer;
  };
  const { keep, stale, staleIfError } = settings.cache ?? WITHOUT_CACHE;
  const cache = createCache({ now: () => stage.clock.now, runsIn: settings.runsIn });
  Object.assign(stage, { cache, edge: { ...stage.edge, fetch } });
  let renditions: Loopback | undefined;
  stage.exported = (own) => {
    renditions = own;
    return own;
  };
  const times = { keep, stale, stale_if_error: staleIfError };
  const r2 = createR2();
  const env = settings.store
    ? { ...SMALL, ANSWERS: { ...times, store: "RENDITIONS" }, RENDITIONS: r2 }
    : { ...SMALL, ANSWERS: times };
  stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  const replaced = new Map<number, number>();

  async function visit(visited: Visit): Promise<void> {
    const isDown = stage.s3.faults.size > 0;
    const [runs, place] = [cache.runs.length, `${visited.place}`];
    const [checks, calls] = [stage.s3.requestsBy("worker").length, r2.calls.length];
    edgeOutcome = undefined;
    const path = `/images/${site.chooseVariant(visited).name}/${keyOf(visited.object)}`;
    const answer = await get(path, { headers: { accept: visited.accept } }, env, place);
    expect([200, 502, 504]).toContain(answer.status);
    await cache.settled();
    await Promise.all(stage.after);
    played.images.push(answer.ok);
    const run = cache.runs[runs];
    if (run === undefined && keep > 0) return;
    const asked = r2.calls.slice(calls).map(({ method, key }) => `${method} ${key}`);
    const reads = asked.filter((call) => call.startsWith("get "));
    const isStored = reads.some((call) => r2.objects.has(call.slice("get ".length)));
    const without = isStored ? "stored" : isDown ? "failed" : "unchanged";
    played.runs.push(
      textOf({
        waits: run?.why !== "revalidate",
        outcome: edgeOutcome ?? without,
        checks: isDown ? undefined : stage.s3.requestsBy("worker").length - checks,
        ...{ reads: reads.length, writes: asked.length - reads.length },
      }),
    );
  }

  for (const event of events) {
    stage.clock.now = event.at;
    vi.setSystemTime(event.at);
    if (event.kind === "trouble") {
      if (event.what === "the cache is emptied") await renditions?.purge({ purgeEverything: true });
      else stage.s3.faults.clear();
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

const WITHOUT_CACHE: CacheRules = { keep: 0, stale: 0, staleIfError: 0 };

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

function textOf({ waits, outcome, checks, reads, writes }: Run): string {
  const asked = `S3 ${checks ?? "?"}, store ${reads}, put ${writes}`;
  return `${waits ? "the visitor waits" : "in the background"}: ${outcome} (${asked})`;
}
