// The width and height of an <img>, compared with the strict edge, which calculates sizes by code of its own.

import fc from "fast-check";
import { expect, test } from "vitest";
import { dimensionsOf } from "../../src/client/dimensions.ts";
import { openSite } from "../../src/client/site.ts";
import { outputSize } from "../../src/emulator/edge/geometry.ts";
import { sizesOf } from "../../src/url/sizes.ts";
import { readConfig } from "../../src/worker/config/config.ts";
import { ENV } from "../support/env.ts";

const side = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12_000 }));
const length = fc.integer({ min: 0, max: 40 });
const color = fc.constant("red");
const preset = fc
  .record(
    {
      width: side,
      height: side,
      fit: fc.constantFrom("scale-down", "scale-up", "contain", "cover", "crop", "pad", "squeeze"),
      rotate: fc.constantFrom(0, 90, 180, 270),
      border: fc.oneof(
        fc.record({ color, width: length }),
        fc.record({ color, top: length, right: length, bottom: length, left: length }),
      ),
    } as const,
    { requiredKeys: [] },
  )
  .filter(({ width, height }) => width !== undefined || height !== undefined);
const original = fc.record({ width: side, height: side });

test("with the original's size, both sides are those of the edge's rendition", () => {
  const check = fc.property(preset, original, (options, size) => {
    expect(dimensionsOf(options, size)).toEqual(outputSize(size, options));
  });
  fc.assert(check, { numRuns: 3000, seed: 20_261_125 });
});

const SVG = "image/svg+xml";

/** Presets with descriptors, as wrangler.toml allows them. */
const described = fc
  .record({
    shape: preset,
    dpr: fc.subarray([1, 1.25, 1.5, 2], { minLength: 1 }),
    widths: fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 4 }),
    which: fc.constantFrom("dpr", "widths"),
  })
  .map(({ shape, dpr, widths, which }) =>
    which === "widths" && shape.width !== undefined ? { ...shape, widths } : { ...shape, dpr },
  );

test("every rendition of a srcset has the shape of the two sides, so nothing shifts when it comes", () => {
  let compared = 0;
  const check = fc.property(described, original, (options, size) => {
    const { border: _border, ...borderless } = options; // not every rendition has more border if it is larger
    const { dpr: _dpr, widths: _widths, ...shape } = { dpr: 0, widths: 0, ...borderless };
    const { width, height } = dimensionsOf(borderless, size);
    if (width === undefined || height === undefined) return;
    for (const [descriptor, one] of sizesOf(borderless)) {
      const rendition = outputSize(size, { ...shape, ...one });
      if (Math.min(width, height, rendition.width, rendition.height) < 16) continue; // rounded too much
      const off = Math.abs(Math.log((rendition.width * height) / (rendition.height * width)));
      compared += 1;
      expect([descriptor, off < 0.15]).toEqual([descriptor, true]);
    }
  });
  fc.assert(check, { numRuns: 3000, seed: 20_261_126 });
  expect(compared).toBeGreaterThan(1000);
});

test("for an SVG, they have its own shape: the edge never resizes it (R8)", () => {
  const check = fc.property(described, original, (options, size) => {
    const { width, height, fit = "scale-down" } = options;
    const enlarges = !["scale-down", "crop"].includes(fit);
    const box = { ...(width && { width }), ...(height && { height }) };
    const fitted = outputSize(size, { ...box, fit: enlarges ? "contain" : "scale-down" });
    expect(dimensionsOf(options, { ...size, type: SVG })).toEqual(fitted);
  });
  fc.assert(check, { numRuns: 1000, seed: 20_261_126 });
});

test("without it, each side that is given is right for every original that is large enough", () => {
  let both = 0;
  const check = fc.property(preset, original, (options, size) => {
    const { width, height } = dimensionsOf(options);
    if (width !== undefined && height !== undefined) {
      both += 1;
      expect({ width, height }).toEqual(outputSize(size, options));
      return;
    }
    const large = outputSize({ width: size.width * 12_000, height: size.height * 12_000 }, options);
    const shrinks = options.fit !== "scale-up";
    if (width !== undefined && shrinks) expect(width).toBe(large.width);
    if (height !== undefined && shrinks) expect(height).toBe(large.height);
    expect([width, height]).toContain(undefined);
  });
  fc.assert(check, { numRuns: 3000, seed: 20_261_126 });
  expect(both).toBeGreaterThan(300);
});

const WIDE = { width: 200, height: 100 };
const SQUARE = { width: 100, height: 100 };
const ORIGINAL = { width: 400, height: 200 };
const INSET = { top: 1, right: 2, bottom: 3, left: 4 };

test.each<[string, Parameters<typeof dimensionsOf>[0], object | undefined, object]>([
  ["fixed and trimmed", { ...SQUARE, fit: "pad", trim: true }, ORIGINAL, SQUARE],
  ["in the original's proportions", SQUARE, undefined, {}],
  ["one side, with a border", { width: 100, border: INSET }, undefined, { width: 106 }],
  ["widths of a fixed shape", { ...SQUARE, fit: "cover", widths: [50] }, undefined, SQUARE],
  ["a crop of a large original", { ...SQUARE, fit: "crop", dpr: [1, 2] }, ORIGINAL, SQUARE],
  ["a crop that is too large at 2x", { ...SQUARE, fit: "crop", dpr: [2] }, { height: 150 }, {}],
  ["an SVG, covered", { ...SQUARE, fit: "cover" }, { type: SVG }, { width: 100, height: 50 }],
  ["a small SVG", { width: 900 }, { type: SVG, ...WIDE }, WIDE],
])("%s", (_what, shape, original, expected) => {
  const fact = original && { ...ORIGINAL, ...original };
  expect(dimensionsOf(shape, fact)).toEqual(expected);
});

test("the client reads routes and presets as they stand in a configuration", () => {
  const { ROUTES, PRESETS } = ENV;
  const config = readConfig(ENV);
  if ("mistakes" in config) expect.unreachable();
  for (const route of ROUTES) {
    const { variants } = openSite({ baseUrl: "", route, presets: PRESETS });
    const { presets } = config.routes.find(({ path }) => path === route.path) ?? {};
    const shownVariants = [...config.variants].filter(
      ([, { preset }]) => presets?.has(preset) ?? true,
    );
    expect([...variants]).toEqual(shownVariants.map(([variant, { preset }]) => [variant, preset]));
  }
});
