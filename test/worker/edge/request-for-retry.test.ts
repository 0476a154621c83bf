// When the edge is asked for something else, and with which change.

import { expect, test } from "vitest";
import { requestForRetry } from "../../../src/worker/edge/request-for-retry.ts";
import type { UpstreamEvent } from "../../../src/worker/http/refusal.ts";
import type { TransformRequest } from "../../../src/worker/request/transform-request.ts";
import { TRANSFORM_REQUEST } from "../../support/env.ts";
import { png as pngOf } from "../../support/png.ts";

const request: TransformRequest = { ...TRANSFORM_REQUEST, isStill: true };
const avifOnly = { avif: true, webp: false };
const JPEG = { original: "image/jpeg" } as const;
const fixed: TransformRequest = { ...request, variant: { ...request.variant, format: "avif" } };
const OPAQUE = pngOf({ colour: 2 });
const TRANSPARENT = pngOf({ colour: 6 });
const jpeg = { type: "image/jpeg" };
const png = { type: "image/png" };
const webp = { type: "image/webp" };
const moves = { ...request, isStill: false };
const moving = { ...request, format: "webp", isStill: false } as const;

const noWebp = { ...request, accepts: avifOnly };
const TOO_LARGE = "too-large-for-avif";
const SMALLER = "original-is-smaller";
const gif = { type: "image/gif" };

test.each<[string, UpstreamEvent, object, TransformRequest, Partial<TransformRequest>]>([
  ["too large for AVIF", TOO_LARGE, {}, request, { format: "webp" }],
  ["no WebP read", TOO_LARGE, {}, noWebp, { format: undefined }],
  ["a JPEG is smaller", SMALLER, jpeg, request, { format: "png-force" }],
  ["a PNG is smaller", SMALLER, png, request, { format: "webp" }],
  [
    "a PNG too large for AVIF",
    TOO_LARGE,
    png,
    { ...fixed, accepts: avifOnly },
    { format: undefined },
  ],
  ["a JPEG in a preset of one", SMALLER, jpeg, fixed, { format: "png-force" }],
  ["a WebP is smaller", SMALLER, webp, request, { format: "png-force" }],
  ["too large, and was to move", TOO_LARGE, {}, moves, { format: "webp", isStill: true }],
  ["smaller, and was to move", SMALLER, jpeg, moves, { format: "png-force", isStill: true }],
  ["a WebP on a route for SVGs", "wrong-type", webp, { ...fixed, svg: true }, { format: "png" }],
  ["unmarked, and was to move (O8)", "not-transformed", {}, moving, { isStill: true }],
  ["a JPEG too large, and fixed", TOO_LARGE, jpeg, { ...fixed, ...JPEG }, { format: "jpeg" }],
  ["a WebP too large, in a preset of AVIF", TOO_LARGE, webp, fixed, { format: "png" }],
  ["a GIF that stood still", "wrong-type", gif, request, { format: "png" }],
  ["WebP unread, of a JPEG", "wrong-type", webp, { ...request, ...JPEG }, { format: "jpeg" }],
  ["AVIF unread", "wrong-type", { type: "image/avif" }, request, { format: "png" }],
  ["a GIF too large (O8)", "wrong-type", gif, moving, { isStill: true }],
])("%s: once more, changed", (_what, event, facts, before, change) => {
  expect(requestForRetry(before, { event, ...facts }, OPAQUE)).toEqual({ ...before, ...change });
});

const inPreset = (format: "jpeg" | "png") => ({
  ...noWebp,
  variant: { ...request.variant, format },
});

test.each<[string, Uint8Array, TransformRequest, TransformRequest["format"]]>([
  ["opaque, no WebP read", OPAQUE, noWebp, "jpeg"],
  ["opaque, in place of WebP", OPAQUE, { ...request, format: "webp" }, "jpeg"],
  ["transparent, no WebP read", TRANSPARENT, noWebp, undefined],
  ["transparent, in place of WebP", TRANSPARENT, { ...request, format: "webp" }, undefined],
  ["transparent, in a preset of PNG", TRANSPARENT, inPreset("png"), undefined],
  ["transparent, in a preset of JPEG", TRANSPARENT, inPreset("jpeg"), "jpeg"],
])(
  "a smaller PNG, %s: a JPEG takes its place only if nothing is lost (R6)",
  (_what, head, before, format) => {
    const next = requestForRetry(before, { event: SMALLER, ...png }, head);
    expect(next).toEqual(format && { ...before, format });
  },
);

test.each<[string, UpstreamEvent, object, TransformRequest]>([
  ["a lasting fault of the edge", "edge-failed", {}, request],
  ["a wrong region", "origin-failed", { isTransient: false }, request],
  ["a timeout", "timed-out", {}, request],
  ["a contradiction", "edge-contradicts", {}, request],
  ["a spent quota", "quota-spent", {}, request],
  ["transformations off", "not-transformed", {}, request],
  ["transformations off, and a GIF", "not-transformed", gif, request],
  ["a page", "wrong-type", { type: "text/html" }, request],
  ["too large for AVIF, and not asked", TOO_LARGE, {}, { ...request, format: "webp" }],
  ["a preset of JPEG, and WebP came", "wrong-type", webp, fixed],
  ["a preset of JPEG, and GIF came", "wrong-type", gif, fixed],
])("%s: not once more", (_what, event, facts, before) => {
  expect(requestForRetry(before, { event, ...facts }, OPAQUE)).toBeUndefined();
});
