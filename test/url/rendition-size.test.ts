import fc from "fast-check";
import { expect, test } from "vitest";
import { outputSize, trimBox } from "../../src/emulator/edge/geometry.ts";
import { type PixelSize, renditionSize, type SizeOptions } from "../../src/url/rendition-size.ts";

const PX = fc.integer({ min: 1, max: 3000 });
const LENGTH = fc.integer({ min: 0, max: 400 });
const SIDES = { top: LENGTH, right: LENGTH, bottom: LENGTH, left: LENGTH };
const SIZE = fc.record({ width: PX, height: PX });

/** Each option may be missing. */
const OPTIONS = fc.record(
  {
    width: PX,
    height: PX,
    dpr: fc.constantFrom(1, 1.5, 2),
    fit: fc.constantFrom("scale-down", "scale-up", "contain", "cover", "crop", "pad", "squeeze"),
    rotate: fc.constantFrom(0, 90, 180, 270),
    trim: fc.record({ ...SIDES, width: PX, height: PX }, { requiredKeys: [] }),
    border: fc.oneof(fc.record({ width: LENGTH }), fc.record(SIDES)),
  },
  { requiredKeys: ["fit"] },
);

test("the size of a rendition is known before the edge makes it (O2, O3, O11, O12)", () => {
  const isAsAtTheEdge = fc.property(SIZE, OPTIONS, (original, options) => {
    const atTheEdge = outputSize(trimBox(original, options), options);
    expect(renditionSize(original, options)).toEqual(atTheEdge);
  });
  fc.assert(isAsAtTheEdge, { numRuns: 5_000 });
});

const cases: [string, PixelSize, SizeOptions, PixelSize | undefined][] = [
  ["a portrait", { width: 3000, height: 4000 }, { width: 960 }, { width: 960, height: 1280 }],
  ["a small one", { width: 300, height: 400 }, { width: 960 }, { width: 300, height: 400 }],
  ["a border of one colour", { width: 300, height: 400 }, { width: 96, trim: "border" }, undefined],
  ["the same", { width: 30, height: 40 }, { width: 9, trim: { border: true } }, undefined],
];
test.each(cases)("%s", (_name, original, options, size) => {
  expect(renditionSize(original, options)).toEqual(size);
});
