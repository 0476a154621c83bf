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

test.each<{
  title: string;
  change: Partial<TransformRequest>;
  outcome: Attempt["outcome"];
  expected: object | undefined;
}>([
  { title: "AVIF is too large", change: {}, outcome: TOO_LARGE, expected: { format: "webp" } },
  {
    title: "of a JPEG, no WebP read",
    change: { ...AVIF_ALONE, ...JPEG },
    outcome: TOO_LARGE,
    expected: { format: "jpeg" },
  },
  {
    title: "no WebP read",
    change: { ...AVIF_ALONE, ...WEBP },
    outcome: TOO_LARGE,
    expected: { format: undefined },
  },
  {
    title: "in a preset of AVIF",
    change: inPreset("avif"),
    outcome: TOO_LARGE,
    expected: { format: "webp" },
  },
  {
    title: "and was to move",
    change: { isStill: false },
    outcome: TOO_LARGE,
    expected: { format: "webp", isStill: true },
  },
  { title: "of WebP", change: { format: "webp" }, outcome: TOO_LARGE, expected: undefined },

  {
    title: "a JPEG came back",
    change: { ...JPEG, ...NEITHER, format: "jpeg" },
    outcome: ORIGINAL,
    expected: { quality: 38, width: 159 },
  },
  { title: "a JPEG came for AVIF", change: JPEG, outcome: ORIGINAL, expected: { format: "webp" } },
  {
    title: "a WebP came back, opaque",
    change: { ...OPAQUE_WEBP, ...LONG },
    outcome: ORIGINAL,
    expected: { quality: 38, width: 899 },
  },
  {
    title: "a WebP came back",
    change: { ...WEBP, ...LONG },
    outcome: ORIGINAL,
    expected: { quality: 38, width: 899 },
  },
  {
    title: "in a preset of WebP",
    change: { ...OPAQUE_WEBP, ...inPreset("webp") },
    outcome: ORIGINAL,
    expected: { quality: 38, width: 159 },
  },
  {
    title: "in a preset of JPEG",
    change: { ...JPEG, ...inPreset("jpeg") },
    outcome: ORIGINAL,
    expected: { quality: 38, width: 159 },
  },
  {
    title: "a PNG came back, no WebP read",
    change: { ...PNG, ...NEITHER, format: undefined },
    outcome: ORIGINAL,
    expected: { width: 159 },
  },
  {
    title: "an opaque PNG",
    change: { ...OPAQUE_PNG, ...NEITHER, format: undefined },
    outcome: ORIGINAL,
    expected: { format: "jpeg" },
  },
  {
    title: "in a preset of PNG",
    change: { ...OPAQUE_PNG, ...inPreset("png") },
    outcome: ORIGINAL,
    expected: { width: 159 },
  },
  {
    title: "and was to move",
    change: { ...WEBP, ...MOVING },
    outcome: ORIGINAL,
    expected: { format: "avif", isStill: true },
  },
  {
    title: "its sides are unknown",
    change: { ...PNG, ...NEITHER, format: undefined, size: undefined },
    outcome: ORIGINAL,
    expected: undefined,
  },

  {
    title: "an AVIF has many bytes",
    change: {},
    outcome: heavy("image/avif", 12_000),
    expected: { format: "webp" },
  },
  {
    title: "a WebP has",
    change: { ...JPEG, ...WEBP_ALONE },
    outcome: heavy("image/webp", 20_000),
    expected: { quality: 38, width: 159 },
  },
  {
    title: "nobody knows how many",
    change: { ...JPEG, ...WEBP_ALONE },
    outcome: heavy("image/webp"),
    expected: { quality: 38, width: 159 },
  },
  {
    title: "a JPEG that the edge chose",
    change: { ...PNG, ...NEITHER, format: undefined },
    outcome: heavy("image/jpeg", 20_000),
    expected: { format: "jpeg" },
  },
  {
    title: "a transparent PNG has",
    change: { ...PNG, ...NEITHER, format: undefined },
    outcome: heavy("image/png", 99_000),
    expected: undefined,
  },

  {
    title: "unmarked, and was to move (O8)",
    change: MOVING,
    outcome: refused("not-transformed"),
    expected: { isStill: true },
  },
  {
    title: "transformations are off",
    change: {},
    outcome: refused("not-transformed"),
    expected: undefined,
  },
  {
    title: "a GIF too large (O8)",
    change: MOVING,
    outcome: refused("wrong-type", "image/gif"),
    expected: { isStill: true },
  },
  {
    title: "a GIF that stood still",
    change: {},
    outcome: refused("wrong-type", "image/gif"),
    expected: { format: "png" },
  },
  {
    title: "WebP unread, of a JPEG",
    change: JPEG,
    outcome: refused("wrong-type", "image/webp"),
    expected: { format: "jpeg" },
  },
  {
    title: "on a route for SVGs",
    change: { svg: true },
    outcome: refused("wrong-type", "image/webp"),
    expected: { format: "png" },
  },
  { title: "a page", change: {}, outcome: refused("wrong-type", "text/html"), expected: undefined },
  {
    title: "WebP in a preset of JPEG",
    change: inPreset("jpeg"),
    outcome: refused("wrong-type", "image/webp"),
    expected: undefined,
  },

  {
    title: "the edge is busy",
    change: {},
    outcome: { kind: "refused", refusal: { event: "edge-failed", isTransient: true } },
    expected: {},
  },
  {
    title: "a lasting fault of the edge",
    change: {},
    outcome: refused("edge-failed"),
    expected: undefined,
  },
  { title: "a timeout", change: {}, outcome: refused("timed-out"), expected: undefined },
  {
    title: "a contradiction",
    change: {},
    outcome: refused("edge-contradicts"),
    expected: undefined,
  },
  { title: "a spent quota", change: {}, outcome: refused("quota-spent"), expected: undefined },
])("$title: the next request (O5, O7, R6)", ({ change, outcome, expected }) => {
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
