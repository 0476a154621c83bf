// When the edge is asked for something else, and with which change.

import { expect, test } from "vitest";
import type { UpstreamEvent } from "../../../src/worker/base/refusal.ts";
import { secondChance } from "../../../src/worker/edge/second-chance.ts";
import type { TransformRequest } from "../../../src/worker/request/format.ts";
import { ASKED } from "../../support/env.ts";
import { png as pngOf } from "../../support/png.ts";

const asked: TransformRequest = { ...ASKED, still: true };
const none = { avif: true, webp: false };
const fixed: TransformRequest = { ...asked, variant: { ...asked.variant, format: "avif" } };
const OPAQUE = pngOf({ colour: 2 });
const TRANSPARENT = pngOf({ colour: 6 });
const jpeg = { type: "image/jpeg" };
const png = { type: "image/png" };
const webp = { type: "image/webp" };
const moves = { ...asked, still: false };
const moving = { ...asked, format: "webp", still: false } as const;

test.each<[string, UpstreamEvent, object, TransformRequest, Partial<TransformRequest>]>([
  ["too large for AVIF", "too-large-for-avif", {}, asked, { format: "webp" }],
  ["no WebP read", "too-large-for-avif", {}, { ...asked, readable: none }, { format: undefined }],
  ["a JPEG is smaller", "original-is-smaller", jpeg, asked, { format: "png-force" }],
  ["a PNG is smaller", "original-is-smaller", png, asked, { format: "webp" }],
  [
    "a PNG too large, in a preset of AVIF",
    "too-large-for-avif",
    png,
    { ...fixed, readable: none },
    { format: undefined },
  ],
  ["a JPEG in a preset of one", "original-is-smaller", jpeg, fixed, { format: "png-force" }],
  ["a WebP is smaller", "original-is-smaller", webp, asked, { format: "png-force" }],
  [
    "too large for AVIF, and was to move",
    "too-large-for-avif",
    {},
    moves,
    { format: "webp", still: true },
  ],
  [
    "a JPEG is smaller, and was to move",
    "original-is-smaller",
    jpeg,
    moves,
    { format: "png-force", still: true },
  ],
  ["a WebP on a route for SVGs", "wrong-type", webp, { ...fixed, svg: true }, { format: "png" }],
  ["unmarked, and was to move (O8)", "not-transformed", {}, moving, { still: true }],
  ["too large, in a preset of AVIF", "too-large-for-avif", {}, fixed, { format: "jpeg" }],
  ["a GIF that stood still", "wrong-type", { type: "image/gif" }, asked, { format: "png" }],
  ["WebP unread", "wrong-type", { type: "image/webp" }, asked, { format: "jpeg" }],
  ["AVIF unread", "wrong-type", { type: "image/avif" }, asked, { format: "jpeg" }],
  ["a GIF too large (O8)", "wrong-type", { type: "image/gif" }, moving, { still: true }],
])("%s: once more, changed", (_what, event, facts, before, change) => {
  expect(secondChance(before, { event, ...facts }, OPAQUE)).toEqual({ ...before, ...change });
});

const inPreset = (format: "jpeg" | "png") => ({ ...asked, variant: { ...asked.variant, format } });

test.each<[string, Uint8Array, TransformRequest, TransformRequest["format"]]>([
  ["opaque, no WebP read", OPAQUE, { ...asked, readable: none }, "jpeg"],
  ["opaque, in place of WebP", OPAQUE, { ...asked, format: "webp" }, "jpeg"],
  ["transparent, no WebP read", TRANSPARENT, { ...asked, readable: none }, undefined],
  ["transparent, in place of WebP", TRANSPARENT, { ...asked, format: "webp" }, undefined],
  [
    "transparent, in a preset of PNG",
    TRANSPARENT,
    { ...inPreset("png"), readable: none },
    undefined,
  ],
  [
    "transparent, in a preset of JPEG",
    TRANSPARENT,
    { ...inPreset("jpeg"), readable: none },
    "jpeg",
  ],
])(
  "a smaller PNG, %s: a JPEG takes its place only if nothing is lost (R6)",
  (_what, head, before, format) => {
    const found = secondChance(before, { event: "original-is-smaller", ...png }, head);
    expect(found).toEqual(format && { ...before, format });
  },
);

test.each<[string, UpstreamEvent, object, TransformRequest]>([
  ["a lasting fault of the edge", "edge-failed", {}, asked],
  ["a wrong region", "origin-failed", { passing: false }, asked],
  ["a timeout", "timed-out", {}, asked],
  ["a contradiction", "edge-contradicts", {}, asked],
  ["a spent quota", "quota-spent", {}, asked],
  ["transformations off", "not-transformed", {}, asked],
  ["transformations off, and a GIF", "not-transformed", { type: "image/gif" }, asked],
  ["a page", "wrong-type", { type: "text/html" }, asked],
  ["too large for AVIF, and not asked", "too-large-for-avif", {}, { ...asked, format: "webp" }],
  ["a preset of JPEG, and WebP came", "wrong-type", { type: "image/webp" }, fixed],
  ["a preset of JPEG, and GIF came", "wrong-type", { type: "image/gif" }, fixed],
])("%s: not once more", (_what, event, facts, before) => {
  expect(secondChance(before, { event, ...facts }, OPAQUE)).toBeUndefined();
});
