// The strict edge with a private S3 behind it. Both answer through msw.

import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FIXTURE_OBJECTS } from "../../src/dev/fixture-objects.ts";
import { applySteps } from "../../src/emulator/binding/apply-steps.ts";
import { withImages } from "../../src/emulator/binding/service.ts";
import { createCache } from "../../src/emulator/cache/cache.ts";
import { createEdgeWith } from "../../src/emulator/edge/edge.ts";
import { type Renderer, renderWithSharp, SHARP_RENDERER } from "../../src/emulator/edge/render.ts";
import type { EdgeSettings } from "../../src/emulator/edge/settings.ts";
import { createS3, type Stored } from "../../src/emulator/s3/s3.ts";
import type { Session } from "../../src/emulator/s3/signature.ts";
import { ROOT } from "./built.ts";
import { BUCKET_URL, CREDENTIALS, VARS } from "./env.ts";
import { handlersOf, network } from "./network.ts";

/** The renditions that this process made, by their originals and options. */
const renditions = new Map<string, ReturnType<typeof renderWithSharp>>();

/** Makes each rendition once for all tests of a file, because making them takes most of the time. */
const renderOnce: typeof renderWithSharp = (original, image, overlays, settings) => {
  const { bytes, type, frames } = original;
  const drawn = overlays.map(({ options, original }) => [sha1(original.bytes), options]);
  const key = JSON.stringify([sha1(bytes), type, frames, image, drawn, settings.qualities]);

  const cached = renditions.get(key);
  if (cached !== undefined) return cached;

  const rendition = renderWithSharp(original, image, overlays, settings);
  renditions.set(key, rendition);
  return rendition;
};

export const SHARP_ONCE: Renderer = { ...SHARP_RENDERER, render: renderOnce };

/** What the binding made in this process, by its originals and options. */
const stepResults = new Map<string, ReturnType<typeof applySteps>>();

const applyStepsOnce: typeof applySteps = (originals, steps, output, switches) => {
  const { limits, bindingMetadata, bindingAnimation, bindingSmaller, bindingAvif } = switches;
  const used = [limits, bindingMetadata, bindingAnimation, bindingSmaller, bindingAvif];
  const digests = originals.map(({ bytes }) => sha1(bytes));
  const key = JSON.stringify([digests, steps, output, used]);

  const cached = stepResults.get(key);
  if (cached !== undefined) return cached;

  const result = applySteps(originals, steps, output, switches);
  stepResults.set(key, result);
  return result;
};

const sha1 = (bytes: Uint8Array) => hash("sha1", bytes);

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
  const core = createEdgeWith(SHARP_ONCE, {
    zone: ZONE,
    sources: [new URL(BUCKET_URL).host],
    fetch: (input, init) => fetch(input, init), // as it is replaced then
    now,
    originTimeout: 10_000,
    ...settings,
  });

  const edge = withImages(core, { ...SHARP_ONCE, render: applyStepsOnce });
  return { s3, sessions, edge, cache: createCache({ now }), clock };
}
