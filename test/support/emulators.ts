// The strict edge with a private S3 behind it. Both answer through msw.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FIXTURE_OBJECTS } from "../../src/dev/fixture-objects.ts";
import { createCache } from "../../src/emulator/cache/cache.ts";
import type { EdgeSettings } from "../../src/emulator/edge/settings.ts";
import { createS3, type Stored } from "../../src/emulator/s3/s3.ts";
import type { Session } from "../../src/emulator/s3/signature.ts";
import { ROOT } from "./built.ts";
import { BUCKET_URL, CREDENTIALS, VARS } from "./env.ts";
import { handlersOf, network } from "./network.ts";
import { createEdgeOnce } from "./render-once.ts";

export const ZONE = "images.example";

/** Reads a file of fixtures/objects/. */
export function file(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(ROOT, "fixtures/objects", name)));
}

const stored = new Map<string, Stored>();
for (const { key, file: name, type } of FIXTURE_OBJECTS)
  stored.set(key, { body: file(name), type });

// A small picture with a plain name, for tests that need any picture.
stored.set("key.jpg", { body: file("made/key.jpg"), type: "image/jpeg" });

export { network };

/**
 * Sets up a bucket with all fixtures below the prefix of VARS, an edge in front of it, and Workers Cache in
 * front of both. The bucket's key may read only this prefix (A13).
 */
export function createEmulators(settings: Partial<EdgeSettings> = {}) {
  const clock = { now: Date.now() };
  const now = () => clock.now;
  const { prefix: readable, ...bucket } = VARS.BUCKETS.media;
  const sessions = new Map<string, Session>();
  const s3 = createS3({ ...bucket, credentials: CREDENTIALS, sessions, now, readable });
  for (const [key, object] of stored) s3.objects.set(readable + key, object);

  network.resetHandlers(...handlersOf(s3));
  const edge = createEdgeOnce({
    zone: ZONE,
    sources: [new URL(BUCKET_URL).host],
    fetch: (input, init) => fetch(input, init), // as it is replaced then
    now,
    originTimeout: 10_000,
    ...settings,
  });

  return { s3, sessions, edge, cache: createCache({ now }), clock };
}
