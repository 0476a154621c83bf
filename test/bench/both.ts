// Runs the same events through the model of the edge and through the strict edge.

import { AwsV4Signer } from "aws4fetch";
import sharp from "sharp";
import { beforeAll, beforeEach, expect, vi } from "vitest";
import { createEdge, type Edge } from "../../src/emulator/edge/edge.ts";
import { lifetime } from "../../src/emulator/edge/lifetime.ts";
import { mistakeText } from "../../src/worker/base/mistake.ts";
import { readConfig } from "../../src/worker/config/config.ts";
import { sign } from "../../src/worker/s3/sigv4.ts";
import { BASE, CREDENTIALS, SECRETS, VARS } from "../support/env.ts";
import { get, stage } from "../support/play.ts";
import { makeRenditionOnce, ZONE } from "../support/stand.ts";
import { chosen, variantsByPreset } from "./choice.ts";
import { createAsk, createDesigns, type DesignName, keyOf, SITE } from "./designs.ts";
import { createModel, type Outcome } from "./model.ts";
import { MONTH, type Replacement, type Visit } from "./trace.ts";

/** Presets like those of the simulation, but small and therefore fast. */
const SMALL = {
  ...SITE,
  ...SECRETS,
  BUCKETS: VARS.BUCKETS,
  PRESETS: {
    thumbnail: { width: 8, height: 8, fit: "cover", dpr: [1, 2] },
    card: { width: 12, dpr: [1, 1.5, 2] },
    hero: { width: 40, widths: [16, 24, 32, 40], quality: 80 },
  },
};
export const PLACES = [0, 1];
export const designs = createDesigns(SMALL);

export type Event = Visit | Replacement;

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
export function byModel(design: DesignName, cacheControl: string | null, events: readonly Event[]) {
  const model = createModel();
  const ask = createAsk();
  const outcomes = events.flatMap((event): Outcome[] => {
    if (event.kind === "visit") {
      const asked = ask(designs[design].call(event));
      return [model.ask(asked, event.place, event.at, lifetime(cacheControl))];
    }
    model.purge(designs[design].purged(event.object));
    return [];
  });
  return { outcomes, transformations: model.transformations() };
}

/** The results of the strict edge, with one edge a place. */
export async function byEdge(
  design: DesignName,
  cacheControl: string | null,
  events: readonly Event[],
) {
  const outcomes: Outcome[] = [];
  const edges = PLACES.map(() => {
    const edge = createEdge({
      zone: ZONE,
      sources: [new URL(BASE).host],
      fetch: (input, { cf: _cf, ...init } = {}) => fetch(input, init),
      now: () => stage.clock.now,
      makeRendition: makeRenditionOnce,
    });
    const watched: Edge["fetch"] = async (url, init) => {
      const fetches = edge.originFetches.length;
      const answer = await edge.fetch(url, init);
      expect(answer.status).toBe(200);
      const kept = answer.headers.get("cf-resized") === "internal=ram/h";
      const fetched = edge.originFetches.length > fetches;
      outcomes.push(kept ? "rendition" : fetched ? "bucket" : "original");
      return answer;
    };
    return { ...edge, fetch: watched };
  });
  for (const event of events) {
    stage.clock.now = event.at;
    vi.setSystemTime(event.at);
    const key = `published/${keyOf(event.object)}`;
    const object = { body: photo, type: "image/jpeg" };
    stage.s3.objects.set(key, cacheControl === null ? object : { ...object, cacheControl });
    if (event.kind === "replacement") {
      for (const edge of edges) edge.purge(designs[design].purged(event.object));
      continue;
    }
    const edge = edges[event.place];
    if (edge === undefined) throw new Error("there is no such place");
    Object.assign(stage, { edge });
    await ASKING[design](event, edge);
  }
  const transformations = new Set(edges.flatMap((edge) => [...edge.transformations]));
  return { outcomes, transformations: transformations.size, edges };
}

/** How each design asks the edge: this one with the whole Worker, the others as their Workers would. */
const ASKING = {
  vitrine: async (visit) => {
    const { name } = chosen(variants.get(visit.preset) ?? [], visit);
    const path = `/images/${name}/${keyOf(visit.object)}`;
    const answer = await get(path, { headers: { accept: visit.accept } }, SMALL);
    expect(answer.status).toBe(200);
  },
  free: async (visit, edge) => {
    const { source, image } = designs.free.call(visit);
    const headers = await sign(source, "eu-west-1", CREDENTIALS, visit.at);
    await edge.fetch(source, { headers, cf: { image } });
  },
  presigned: async (visit, edge) => {
    const { image } = designs.presigned.call(visit);
    await edge.fetch(await presign(visit.object, visit.at), { cf: { image } });
  },
} as const satisfies Record<DesignName, (visit: Visit, edge: Edge) => Promise<void>>;

/** A presigned URL of S3. */
export async function presign(object: number, at: number): Promise<string> {
  const datetime = new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, "");
  const place = { service: "s3", region: "eu-west-1", signQuery: true, datetime };
  const url = designs.presigned.purged(object);
  return (await new AwsV4Signer({ ...CREDENTIALS, ...place, url }).sign()).url.href;
}

const config = readConfig(SMALL);
if ("mistakes" in config) throw new Error(config.mistakes.map(mistakeText).join());
const variants = variantsByPreset(config.variants);
