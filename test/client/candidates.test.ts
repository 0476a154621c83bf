// Which candidates a srcset has if the size of the original is known. The strict edge says how large each of them is: it
// calculates sizes by code of its own.

import fc from "fast-check";
import { expect, test } from "vitest";
import { createClient, type Original, type PresetShape } from "../../src/client/index.ts";
import { outputSize } from "../../src/emulator/edge/geometry.ts";
import type { Transformations } from "../../src/emulator/edge/options.ts";
import { sizesOf } from "../../src/url/sizes.ts";

const BASE_URL = "https://images.example";
const ROUTE = { path: "/images/:preset/*", object: "media/*" } as const;

function clientFor(shape: PresetShape) {
  return createClient({ baseUrl: BASE_URL, route: ROUTE, presets: { p: shape } });
}

/** The variants and descriptors of the srcset of `imgProps`: `p@640w 640w`. */
function srcsetFor(shape: PresetShape, original: Original | undefined): string[] {
  const { srcset } = clientFor(shape).imgProps("a.jpg", "p", { alt: "", sizes: "9px", original });
  const entries = srcset.split(", ");
  return entries.map((entry) => entry.replace(/^.*\/images\/(.*)\/a\.jpg /, "$1 "));
}

const HERO = { width: 1920, widths: [640, 960, 1280, 1920] };
const BOX = { width: 1920, height: 1080, widths: [1920, 640] };
const CARD = { width: 480, dpr: [1, 1.5, 2] };
const CROP = { width: 400, height: 300, fit: "crop", dpr: [1, 2] };
const SVG = "image/svg+xml";

const cases: [string, PresetShape, Original, string[]][] = [
  [
    "a large original",
    HERO,
    { width: 4000, height: 3000 },
    ["p@640w 640w", "p@960w 960w", "p@1280w 1280w", "p 1920w"],
  ],
  ["a portrait of 900 px", HERO, { width: 900, height: 1400 }, ["p@640w 640w", "p@960w 900w"]],
  ["one as wide as a candidate", HERO, { width: 640, height: 400 }, ["p@640w 640w"]],
  ["one below all", HERO, { width: 300, height: 400 }, ["p@640w 300w"]],
  [
    "one that is turned",
    { ...HERO, rotate: 90 },
    { width: 300, height: 900 },
    ["p@640w 640w", "p@960w 900w"],
  ],
  [
    "a portrait that the height limits",
    BOX,
    { width: 3000, height: 4000 },
    ["p@640w 270w", "p 810w"],
  ],
  ["one that the smallest box covers", BOX, { width: 300, height: 200 }, ["p@640w 300w"]],
  [
    "a border, which each width has",
    { ...HERO, border: { width: 10 } },
    { width: 900, height: 600 },
    ["p@640w 660w", "p@960w 920w"],
  ],
  ["one that 1.5x covers", CARD, { width: 600, height: 400 }, ["p 1x", "p@1.5x 1.5x"]],
  ["one that 1x covers", CARD, { width: 480, height: 4000 }, ["p 1x"]],
  [
    "a border, which is wider at 2x",
    { ...CARD, border: { left: 2 } },
    { width: 100, height: 100 },
    ["p 1x", "p@1.5x 1.5x", "p@2x 2x"],
  ],
  [
    "a preset with a height alone",
    { height: 300, dpr: [1, 1.5, 2] },
    { width: 90, height: 400 },
    ["p 1x", "p@1.5x 1.5x"],
  ],
  ["a crop that grows in its height", CROP, { width: 300, height: 700 }, ["p 1x", "p@2x 2x"]],
  ["a crop that 1x covers", CROP, { width: 300, height: 200 }, ["p 1x"]],
  [
    "a crop that grows in both sides",
    { ...BOX, fit: "crop" },
    { width: 900, height: 700 },
    ["p@640w 640w", "p 900w"],
  ],
  [
    "a crop that grows in its height, by widths",
    { ...BOX, fit: "crop" },
    { width: 600, height: 700 },
    ["p@640w 640w", "p 1920w"],
  ],
  [
    "an SVG: the edge never resizes it (R8)",
    HERO,
    { width: 9, height: 9, type: SVG },
    ["p@640w 640w"],
  ],
];

test.each(cases)("the srcset of %s", (_name, shape, original, expected) => {
  expect(srcsetFor(shape, original)).toEqual(expected);
});

const side = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 4000 }));
const length = fc.integer({ min: 0, max: 40 });
const anyOriginal = fc.record({ width: side, height: side });

/** Presets with descriptors, each with one of some values of `fit`. */
function presetsWith(...fits: NonNullable<Transformations["fit"]>[]) {
  const sizing = fc.oneof(
    fc.record({ width: side, widths: fc.uniqueArray(side, { minLength: 1, maxLength: 5 }) }),
    fc.record({ width: side, dpr: fc.subarray([1, 1.25, 1.5, 2], { minLength: 1 }) }),
  );
  const border = fc.oneof(
    fc.record({ color: fc.constant("red"), width: length }),
    fc.record({ color: fc.constant("red"), left: length, bottom: length }),
  );
  const rotate = fc.constantFrom(0, 90, 180, 270);
  const options = fc.record(
    { height: side, fit: fc.constantFrom(...fits), rotate, border },
    { requiredKeys: ["fit"] },
  );
  return fc.record({ sizing, options }).map(({ sizing, options: { height, ...options } }) => {
    const shape = { ...sizing, ...(height && { height }), ...options };
    return { shape, options };
  });
}

const neverEnlarging = presetsWith("scale-down", "crop");

/** The sides of each variant in the preset's own srcset, and the same variants in that of one original. */
function sidesOf(
  { shape, options }: { shape: PresetShape; options: Transformations },
  original: Original,
) {
  const sizes = new Map(sizesOf(shape));
  const pictureOf = (entry: string) => {
    const [variant = "", descriptor = ""] = entry.split(" ");
    const { width, height } = outputSize(original, { ...options, ...sizes.get(variant.slice(1)) });
    return { descriptor, width, sides: `${width} × ${height}` };
  };
  return {
    all: srcsetFor(shape, undefined).map(pictureOf),
    used: srcsetFor(shape, original).map(pictureOf),
  };
}

test("where nothing is enlarged, each size that a preset can give is in the srcset once, also the largest", () => {
  const isThereOnce = fc.property(neverEnlarging, anyOriginal, (preset, original) => {
    const { all, used } = sidesOf(preset, original);
    const distinctSides = new Set(all.map(({ sides }) => sides));
    expect(used.map(({ sides }) => sides)).toEqual([...distinctSides]);
  });
  fc.assert(isThereOnce, { numRuns: 3000 });
});

test("each w descriptor is there once, and is the width of its picture if no other has that width", () => {
  let compared = 0;
  const isTrue = fc.property(neverEnlarging, anyOriginal, (preset, original) => {
    if (!("widths" in preset.shape)) return;

    const { used } = sidesOf(preset, original);
    const descriptors = used.map(({ descriptor }) => descriptor);
    expect(new Set(descriptors).size).toBe(used.length);

    const widths = used.map(({ width }) => `${width}w`);
    if (new Set(widths).size < used.length) return;
    expect(descriptors).toEqual(widths);
    compared += 1;
  });
  fc.assert(isTrue, { numRuns: 3000 });
  expect(compared).toBeGreaterThan(800);
});

const enlarging = presetsWith("scale-up", "contain", "cover", "pad", "squeeze");
const notSide = fc.constantFrom(0, -3, 12.5, Number.NaN, Infinity);
const unknownOriginal = fc.oneof(
  fc.record({ width: notSide, height: side }),
  fc.record({ width: side, height: notSide }),
);

test.each([
  ["with another fit", enlarging, anyOriginal, {}],
  ["of an original without sides", neverEnlarging, unknownOriginal, {}],
  ["after a trim, which cuts off unknown edges", neverEnlarging, anyOriginal, { trim: true }],
])("%s, a srcset has all candidates of the preset", (_name, presets, originals, trim) => {
  const isWhole = fc.property(presets, originals, ({ shape }, original) => {
    const trimmed = { ...shape, ...trim };
    expect(srcsetFor(trimmed, original)).toEqual(srcsetFor(trimmed, undefined));
  });
  fc.assert(isWhole, { numRuns: 1000 });
});

test("no text of an original gets into a srcset", () => {
  const hostile = JSON.parse('{ "width": "9w, https://evil.example/a.jpg 9", "height": "9" }');
  expect(srcsetFor(HERO, hostile)).toEqual(srcsetFor(HERO, undefined));
});
