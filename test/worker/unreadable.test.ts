// An object that the engine cannot read: its bytes are fetched once in a minute, whatever variants of it are requested.

import sharp from "sharp";
import { expect, test } from "vitest";
import { ENGINES, type EngineName, type Env, envOf } from "../support/engines.ts";
import { VARS } from "../support/env.ts";
import { get, put, stage, stopDates, wait } from "../support/run-worker.ts";

stopDates();

const RED = { width: 9, height: 9, channels: 3, background: "red" } as const;
const AVIF = await sharp({ create: RED }).avif().toBuffer();

const NAMES = ["p0", "p1", "p2", "p3"];
const OWN_PRESETS = NAMES.map((name, at) => [name, { width: 100 + at }]);
const PRESETS = { ...VARS.PRESETS, ...Object.fromEntries(OWN_PRESETS) };

/** How often S3 or R2, and the edge, were asked for the object. */
function countRequests({ MEDIA_BUCKET }: Env): number {
  const r2Calls = isR2(MEDIA_BUCKET) ? MEDIA_BUCKET.calls.length : 0;
  return stage.s3.requests.length + stage.edgeRequests.length + r2Calls;
}

function isR2(bucket: unknown): bucket is { readonly calls: readonly unknown[] } {
  return typeof bucket === "object" && bucket !== null && "calls" in bucket;
}

async function costOf(name: string, env: Env): Promise<number> {
  const before = countRequests(env);
  const { status } = await get(`/images/${name}/photo.avif`, {}, env);

  expect(status).toBe(415);

  return countRequests(env) - before;
}

test.for(ENGINES)(
  "an AVIF, which no engine reads, is fetched once in a minute, and tried at once when it is replaced (%s)",
  async (engine: EngineName) => {
    put("photo.avif", AVIF);
    const env = envOf(engine, { PRESETS });

    expect(await costOf("p0", env)).toBeGreaterThan(1);
    expect(await costOf("p1", env)).toBe(1); // its first bytes alone
    expect(await costOf("p2", env)).toBe(1);

    wait(61);
    expect(await costOf("p2", env)).toBeGreaterThan(1);
    expect(await costOf("p3", env)).toBe(1);

    put("photo.avif", "made/key.jpg");
    const { MEDIA_BUCKET } = envOf(engine, { PRESETS });
    const replaced = engine === "R2" ? { ...env, MEDIA_BUCKET } : env;

    expect((await get("/images/p0/photo.avif", {}, replaced)).status).toBe(200);
  },
);
