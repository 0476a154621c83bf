// The strict edge, which makes each rendition once for all tests of a file: making them takes most of the time.

import { hash } from "node:crypto";
import { applySteps } from "../../src/emulator/binding/apply-steps.ts";
import { withImages } from "../../src/emulator/binding/service.ts";
import { createEdgeWith } from "../../src/emulator/edge/edge.ts";
import { type Renderer, renderWithSharp, SHARP_RENDERER } from "../../src/emulator/edge/render.ts";
import type { EdgeSettings } from "../../src/emulator/edge/settings.ts";

/** The renditions that this process made, by their originals and options. */
const renditions = new Map<string, ReturnType<typeof renderWithSharp>>();

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

const SHARP_ONCE: Renderer = { ...SHARP_RENDERER, render: renderOnce };

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

/** Creates the edge as createEdge does. */
export function createEdgeOnce(settings: EdgeSettings) {
  const core = createEdgeWith(SHARP_ONCE, settings);
  return withImages(core, { ...SHARP_ONCE, render: applyStepsOnce });
}
