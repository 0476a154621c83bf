// An edge with a private S3 behind it, both on msw, for tests.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setupServer } from "msw/node";
import { OBJECTS } from "../../src/dev/objects.ts";
import { createEdge, type EdgeSettings } from "../../src/emulator/edge/edge.ts";
import { createS3, type S3Settings, type Stored } from "../../src/emulator/s3/s3.ts";
import { ROOT } from "./built.ts";
import { BASE, CREDENTIALS, VARS } from "./env.ts";

export const ZONE = "images.example";

/** Reads a file of fixtures/objects/. */
export function file(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(ROOT, "fixtures/objects", name)));
}

const stored = new Map<string, Stored>();
for (const { key, file: name, type } of OBJECTS) stored.set(key, { body: file(name), type });

// A small picture by a plain name, for tests to which any will do.
stored.set("key.jpg", { body: file("made/key.jpg"), type: "image/jpeg" });

/** The network of a test: nothing answers on it but what is put there. */
export const network = setupServer();

/**
 * Sets up a bucket with all fixtures under the prefix of VARS, which is all that its key may read
 * (A13), and an edge in front of it.
 * @param credentials the keys that open the bucket
 */
export function setUp(
  settings: Partial<EdgeSettings> = {},
  credentials: S3Settings["credentials"] = CREDENTIALS,
) {
  const clock = { now: Date.now() };
  const now = () => clock.now;
  const { endpoint, bucket, region, prefix } = VARS.BUCKETS.media;
  const s3 = createS3({ endpoint, bucket, region, credentials, now, readable: prefix });
  for (const [key, object] of stored) s3.objects.set(prefix + key, object);
  network.resetHandlers(...s3.handlers);
  const edge = createEdge({
    zone: ZONE,
    sources: [new URL(BASE).host],
    fetch: (input, { cf: _cf, ...init } = {}) => fetch(input, init),
    now,
    patience: 10_000,
    ...settings,
  });
  return { s3, edge, clock };
}
