// How many bytes a rendition may have, and the quality that is requested so that it has no more.

import { expect, test } from "vitest";
import type { Variant } from "../../../src/worker/config/preset.ts";
import { chooseQuality, lowerQuality, maxBytesOf } from "../../../src/worker/request/quality.ts";
import { TRANSFORM_REQUEST } from "../../support/env.ts";

const card = TRANSFORM_REQUEST.variant;
const image = { width: 100, fit: "scale-down", metadata: "none", anim: false } as const;
const SIDES = { width: 200, height: 100 };
const SMALLER = { width: 100, height: 50 };
const LARGER = { width: 300, height: 100 };
const HIGHER = { width: 200, height: 101 };
const TURNED = { width: 100, height: 200 };

function variantWith(
  changes: Partial<Variant["image"]>,
  format: Variant["format"] = "auto",
): Variant {
  return { ...card, format, image: { ...image, ...changes } };
}

const LIMIT = 1_200 + 2_048;

test.each<{
  title: string;
  variant: Variant;
  sides: object | undefined;
  size: object | undefined;
  expected: number | undefined;
}>([
  {
    title: "a smaller one",
    variant: variantWith({}),
    sides: SIDES,
    size: SMALLER,
    expected: LIMIT,
  },
  {
    title: "one of the same sides",
    variant: variantWith({ fit: "contain" }),
    sides: SIDES,
    size: SIDES,
    expected: LIMIT,
  },
  {
    title: "one that is turned",
    variant: variantWith({ fit: "contain", rotate: 90 }),
    sides: SIDES,
    size: TURNED,
    expected: LIMIT,
  },
  {
    title: "a wider one",
    variant: variantWith({ fit: "contain" }),
    sides: SIDES,
    size: LARGER,
    expected: undefined,
  },
  {
    title: "a higher one",
    variant: variantWith({ fit: "cover" }),
    sides: SIDES,
    size: HIGHER,
    expected: undefined,
  },
  {
    title: "one of unknown sides that is never larger",
    variant: variantWith({}),
    sides: undefined,
    size: undefined,
    expected: LIMIT,
  },
  {
    title: "a crop of unknown sides",
    variant: variantWith({ fit: "crop" }),
    sides: undefined,
    size: undefined,
    expected: LIMIT,
  },
  {
    title: "one of unknown sides that may be larger",
    variant: variantWith({ fit: "cover" }),
    sides: undefined,
    size: undefined,
    expected: undefined,
  },
  {
    title: "one of an unknown size",
    variant: variantWith({ fit: "pad", trim: "border" }),
    sides: SIDES,
    size: undefined,
    expected: undefined,
  },
  {
    title: "a preset of JPEG",
    variant: variantWith({}, "jpeg"),
    sides: SIDES,
    size: SMALLER,
    expected: LIMIT,
  },
  {
    title: "a preset of PNG",
    variant: variantWith({}, "png"),
    sides: SIDES,
    size: SMALLER,
    expected: undefined,
  },
  {
    title: "a preset of nothing but PNG",
    variant: variantWith({}, "png-force"),
    sides: SIDES,
    size: SMALLER,
    expected: undefined,
  },
  {
    title: "an animation",
    variant: variantWith({ anim: true }),
    sides: SIDES,
    size: SMALLER,
    expected: undefined,
  },
  {
    title: "an overlay",
    variant: variantWith({ draw: [{ key: "a.png" }] }),
    sides: SIDES,
    size: SMALLER,
    expected: undefined,
  },
  {
    title: "a border",
    variant: variantWith({ border: { color: "red", width: 1 } }),
    sides: SIDES,
    size: SMALLER,
    expected: undefined,
  },
  {
    title: "sharpened",
    variant: variantWith({ sharpen: 1 }),
    sides: SIDES,
    size: SMALLER,
    expected: undefined,
  },
  {
    title: "enlarged",
    variant: variantWith({ upscale: "generate" }),
    sides: SIDES,
    size: SMALLER,
    expected: undefined,
  },
  {
    title: "quality 90",
    variant: variantWith({ quality: 90 }),
    sides: SIDES,
    size: SMALLER,
    expected: LIMIT,
  },
  {
    title: "quality 91",
    variant: variantWith({ quality: 91 }),
    sides: SIDES,
    size: SMALLER,
    expected: undefined,
  },
  {
    title: "a named quality",
    variant: variantWith({ quality: "high" }),
    sides: SIDES,
    size: SMALLER,
    expected: LIMIT,
  },
])("$title may have so many bytes", ({ variant, sides, size, expected }) => {
  const original = { length: 1_000, ...(sides && { sides: { ...SIDES, ...sides } }) };
  const knownSize = size && { ...SIDES, ...size };
  expect(maxBytesOf(variant, original, knownSize)).toBe(expected);
});

test("without a length of the original, there is no limit", () => {
  expect(maxBytesOf(variantWith({}), { sides: SIDES }, SMALLER)).toBeUndefined();
  expect(maxBytesOf(variantWith({}), { sides: SIDES, length: 0 }, SMALLER)).toBeUndefined();
});

/** The quality for a rendition of 100 × 100 px, by the bytes that it may have. */
function qualityFor(maxBytes: number | undefined, changes: Partial<Variant["image"]> = {}) {
  const size = { width: 100, height: 100 };
  return chooseQuality(variantWith(changes), "image/jpeg", size, maxBytes);
}

test.each<[bytesPerPixel: number, number | undefined]>([
  [9, undefined], // the edge's own, 85
  [0.36, undefined],
  [0.345, 84],
  [0.29, 83],
  [0.22, 80],
  [0.17, 71],
  [0.145, 69],
  [0.12, 66],
  [0.07, 58],
  [0.06, 55],
  [0.05, 52],
  [0.03, 42],
  [0.015, 34],
  [0.0001, 26],
])("with %d bytes for each pixel, the quality is %j (L2)", (bytes, quality) => {
  expect(qualityFor(bytes * 10_000)).toBe(quality);
});

test("the quality is never above the preset's, and stays as the preset says it", () => {
  expect(qualityFor(2_200, { quality: 80 })).toBe(80);
  expect(qualityFor(2_200, { quality: 81 })).toBe(80);
  expect(qualityFor(2_200, { quality: 40 })).toBe(40);
  expect(qualityFor(1_200, { quality: "medium-low" })).toBe("medium-low");
  expect(qualityFor(700, { quality: "medium-low" })).toBe(58);
  expect(qualityFor(700, { quality: "low" })).toBe("low");
  expect(qualityFor(undefined, { quality: 82 })).toBe(82);
  expect(chooseQuality(variantWith({}), "image/jpeg", undefined, 1)).toBeUndefined();
});

test.each([
  ["image/jpeg", 66],
  ["unknown", 66],
  ["image/webp", 58], // its bytes show more
  ["image/png", 75], // a drawing, of which AVIF and WebP have fewer bytes still
  ["image/gif", 75],
] as const)("of so few bytes, the renditions of %s have the quality %j", (type, quality) => {
  const size = { width: 100, height: 100 };
  expect(chooseQuality(variantWith({}), type, size, 1_200)).toBe(quality);
});

test("one lower quality may follow another one", () => {
  expect([85, undefined, 40, 20, 12, 10, 5, "low" as const].map(lowerQuality)).toEqual([
    38,
    38,
    18,
    10,
    10,
    undefined,
    undefined,
    23,
  ]);
});
