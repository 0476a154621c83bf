// What is requested after a picture that may not be shown, or has more bytes than its original.

import { expect, test } from "vitest";
import type { OutputFormat } from "../../../src/worker/config/preset.ts";
import { type Attempt, nextRequest } from "../../../src/worker/edge/ladder.ts";
import type { UpstreamEvent } from "../../../src/worker/http/refusal.ts";
import type { TransformRequest } from "../../../src/worker/request/transform-request.ts";
import { TRANSFORM_REQUEST } from "../../support/env.ts";

const request: TransformRequest = {
  ...TRANSFORM_REQUEST,
  image: { ...TRANSFORM_REQUEST.image, fit: "scale-down" },
  size: { width: 160, height: 120 },
  maxBytes: 10_000,
};
const JPEG = { source: { type: "image/jpeg" } } as const;
const OPAQUE_PNG = { source: { type: "image/png", isOpaque: true } } as const;
const PNG = { source: { type: "image/png", isOpaque: false } } as const;
const OPAQUE_WEBP = { source: { type: "image/webp", isOpaque: true } } as const;
const WEBP = { source: { type: "image/webp", isOpaque: false } } as const;
const AVIF_ALONE = { accepts: { avif: true, webp: false } };
const WEBP_ALONE = { accepts: { avif: false, webp: true }, format: "webp" } as const;
const NEITHER = { accepts: { avif: false, webp: false } };
const LONG = { size: { width: 900, height: 1_400 }, format: "webp" } as const;
const MOVING = { format: "webp", isStill: false } as const;

function inPreset(format: OutputFormat): Partial<TransformRequest> {
  return { ...NEITHER, variant: { ...request.variant, format }, format };
}

function refused(event: UpstreamEvent, type?: string): Attempt["outcome"] {
  return { kind: "refused", refusal: { event, ...(type && { type }) } };
}

function heavy(type: string, length?: number): Attempt["outcome"] {
  return { kind: "heavy", type, length };
}

const ORIGINAL = refused("original-is-smaller");
const TOO_LARGE = refused("too-large-for-avif");

/** How much of a request changed: its format, its quality, its width, or that it stands still. */
function changeOf(next: TransformRequest | undefined, before: TransformRequest) {
  if (!next) return undefined;

  return {
    ...(next.format !== before.format && { format: next.format }),
    ...(next.image.quality !== before.image.quality && { quality: next.image.quality }),
    ...(next.image.width !== before.image.width && { width: next.image.width }),
    ...(next.isStill !== before.isStill && { isStill: next.isStill }),
  };
}

test.each<[string, Partial<TransformRequest>, Attempt["outcome"], object | undefined]>([
  ["AVIF is too large", {}, TOO_LARGE, { format: "webp" }],
  ["of a JPEG, no WebP read", { ...AVIF_ALONE, ...JPEG }, TOO_LARGE, { format: "jpeg" }],
  ["no WebP read", { ...AVIF_ALONE, ...WEBP }, TOO_LARGE, { format: undefined }],
  ["in a preset of AVIF", inPreset("avif"), TOO_LARGE, { format: "webp" }],
  ["and was to move", { isStill: false }, TOO_LARGE, { format: "webp", isStill: true }],
  ["of WebP", { format: "webp" }, TOO_LARGE, undefined],

  [
    "a JPEG came back",
    { ...JPEG, ...NEITHER, format: "jpeg" },
    ORIGINAL,
    { quality: 38, width: 159 },
  ],
  ["a JPEG came for AVIF", JPEG, ORIGINAL, { format: "webp" }],
  ["a WebP came back, opaque", { ...OPAQUE_WEBP, ...LONG }, ORIGINAL, { quality: 38, width: 899 }],
  ["a WebP came back", { ...WEBP, ...LONG }, ORIGINAL, { quality: 38, width: 899 }],
  [
    "in a preset of WebP",
    { ...OPAQUE_WEBP, ...inPreset("webp") },
    ORIGINAL,
    { quality: 38, width: 159 },
  ],
  ["in a preset of JPEG", { ...JPEG, ...inPreset("jpeg") }, ORIGINAL, { quality: 38, width: 159 }],
  [
    "a PNG came back, no WebP read",
    { ...PNG, ...NEITHER, format: undefined },
    ORIGINAL,
    { width: 159 },
  ],
  ["an opaque PNG", { ...OPAQUE_PNG, ...NEITHER, format: undefined }, ORIGINAL, { format: "jpeg" }],
  ["in a preset of PNG", { ...OPAQUE_PNG, ...inPreset("png") }, ORIGINAL, { width: 159 }],
  ["and was to move", { ...WEBP, ...MOVING }, ORIGINAL, { format: "avif", isStill: true }],
  [
    "its sides are unknown",
    { ...PNG, ...NEITHER, format: undefined, size: undefined },
    ORIGINAL,
    undefined,
  ],

  ["an AVIF has many bytes", {}, heavy("image/avif", 12_000), { format: "webp" }],
  [
    "a WebP has",
    { ...JPEG, ...WEBP_ALONE },
    heavy("image/webp", 20_000),
    { quality: 38, width: 159 },
  ],
  [
    "nobody knows how many",
    { ...JPEG, ...WEBP_ALONE },
    heavy("image/webp"),
    { quality: 38, width: 159 },
  ],
  [
    "a JPEG that the edge chose",
    { ...PNG, ...NEITHER, format: undefined },
    heavy("image/jpeg", 20_000),
    { format: "jpeg" },
  ],
  [
    "a transparent PNG has",
    { ...PNG, ...NEITHER, format: undefined },
    heavy("image/png", 99_000),
    undefined,
  ],

  ["unmarked, and was to move (O8)", MOVING, refused("not-transformed"), { isStill: true }],
  ["transformations are off", {}, refused("not-transformed"), undefined],
  ["a GIF too large (O8)", MOVING, refused("wrong-type", "image/gif"), { isStill: true }],
  ["a GIF that stood still", {}, refused("wrong-type", "image/gif"), { format: "png" }],
  ["WebP unread, of a JPEG", JPEG, refused("wrong-type", "image/webp"), { format: "jpeg" }],
  ["on a route for SVGs", { svg: true }, refused("wrong-type", "image/webp"), { format: "png" }],
  ["a page", {}, refused("wrong-type", "text/html"), undefined],
  ["WebP in a preset of JPEG", inPreset("jpeg"), refused("wrong-type", "image/webp"), undefined],

  [
    "the edge is busy",
    {},
    { kind: "refused", refusal: { event: "edge-failed", isTransient: true } },
    {},
  ],
  ["a lasting fault of the edge", {}, refused("edge-failed"), undefined],
  ["a timeout", {}, refused("timed-out"), undefined],
  ["a contradiction", {}, refused("edge-contradicts"), undefined],
  ["a spent quota", {}, refused("quota-spent"), undefined],
])("%s: the next request (O5, O7, R6)", (_what, change, outcome, expected) => {
  const before = { ...request, ...change };
  expect(changeOf(nextRequest([{ request: before, outcome }], 3), before)).toEqual(expected);
});

/** Climbs the ladder: each request meets the same outcome. */
function climb(first: TransformRequest, outcome: Attempt["outcome"], times: number) {
  const attempts: Attempt[] = [{ request: first, outcome }];
  const steps: string[] = [];

  while (attempts.length < times) {
    const next = nextRequest(attempts, times);
    if (!next) break;

    const { quality = "own", width } = next.image;
    steps.push(`${next.format} ${quality} ${width}`);
    attempts.push({ request: next, outcome });
  }

  return steps;
}

test("formats come first, then a lower quality with one pixel less, once", () => {
  expect(climb({ ...request, ...JPEG }, heavy("image/avif", 12_000), 9)).toEqual([
    "webp own 160",
    "avif 38 159",
  ]);
  expect(climb({ ...request, ...WEBP, ...LONG }, ORIGINAL, 9)).toEqual([
    "webp 38 899",
    "png-force 38 899",
  ]);
});

test("a JPEG that the edge chose is requested as one, and then with a lower quality", () => {
  const chosen = { ...request, ...PNG, ...NEITHER, format: undefined };
  expect(climb(chosen, heavy("image/jpeg", 20_000), 9)).toEqual(["jpeg own 160", "jpeg 38 159"]);
});

test.each([
  ["a trim", { trim: { left: 50 } }],
  ["a border", { border: { color: "red", width: 5 } }],
  ["an overlay", { draw: [{ url: "https://assets.example/logo.png" }] }],
])("%s, whose lengths depend on the sides, is not changed by the last rung", (_what, options) => {
  const image = { ...request.image, dpr: 2, ...options };
  const first = { ...request, ...JPEG, ...WEBP_ALONE, image };
  const next = nextRequest([{ request: first, outcome: heavy("image/webp", 20_000) }], 3);
  expect(next?.image).toEqual({ ...image, quality: 38 });
});

test("the lightest picture so far is made lighter", () => {
  const avif = { request: { ...request, ...JPEG }, outcome: heavy("image/avif", 11_000) };
  const webp = {
    request: { ...avif.request, format: "webp" as const },
    outcome: heavy("image/webp", 15_000),
  };
  const next = nextRequest([avif, webp], 3);

  expect(next).toMatchObject({ format: "avif", image: { quality: 38, width: 159 } });
});

test("a failure that may be over soon is not waited for twice, or where a picture is there", () => {
  const busy: Attempt = {
    request,
    outcome: { kind: "refused", refusal: { event: "edge-failed", isTransient: true } },
  };
  const picture: Attempt = { request, outcome: heavy("image/avif", 11_000) };

  expect(nextRequest([busy, busy], 3)).toBeUndefined();
  expect(nextRequest([picture, busy], 3)).toBeUndefined();
});

test("no more requests than may be", () => {
  const attempt: Attempt = { request, outcome: ORIGINAL };
  expect(nextRequest([attempt, attempt], 2)).toBeUndefined();
  expect(nextRequest([], 2)).toBeUndefined();
});
