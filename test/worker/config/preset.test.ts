// The schema of presets: defaults, ranges, mistakes, and the variants of a preset.

import { expect, test } from "vitest";
import {
  bindingLacks,
  presetSchema,
  type Variant,
  variantsOfPreset,
} from "../../../src/worker/config/preset.ts";
import { RANGES } from "../../support/tables/ranges.ts";

function read(preset: object) {
  const mistakes: string[] = [];
  const result = presetSchema(preset, "P", (path, message) => mistakes.push(`${path}: ${message}`));
  return { result, mistakes };
}

function variants(preset: object): Map<string, Variant> {
  const { result, mistakes } = read(preset);
  if (result === undefined) throw new Error(mistakes.join());
  return new Map(variantsOfPreset("p", result));
}

const defaults = { fit: "scale-down", metadata: "none", anim: false };

test("the defaults protect", () => {
  expect(read({ width: 100 }).result).toEqual({ width: 100, format: "auto", ...defaults });
});

test("dpr allows x descriptors, and @1x is the variant without one (C1)", () => {
  const result = variants({ width: 100, height: 50, dpr: [1, 1.5, 2] });
  expect([...result.keys()]).toEqual(["p", "p@1x", "p@1.5x", "p@2x"]);
  expect(result.get("p")?.image).toEqual({ width: 100, height: 50, ...defaults });
  expect(result.get("p@1x")?.image).toEqual(result.get("p")?.image);
  expect(result.get("p@2x")?.image).toEqual({ width: 100, height: 50, dpr: 2, ...defaults });
});

test("widths allow w descriptors, which keep the shape", () => {
  const result = variants({ width: 1600, height: 900, widths: [400, 1600] });
  expect([...result.keys()]).toEqual(["p", "p@400w", "p@1600w"]);
  expect(result.get("p@400w")?.image).toEqual({ width: 400, height: 225, ...defaults });
  expect(result.get("p@1600w")?.image).toEqual(result.get("p")?.image);
  expect(variants({ width: 4, height: 3, widths: [2] }).get("p@2w")?.image.height).toBe(2);
  expect(variants({ width: 9000, height: 1, widths: [1] }).get("p@1w")?.image.height).toBe(1);
  expect(variants({ width: 100, widths: [50] }).get("p@50w")?.image).not.toHaveProperty("height");
});

test.each<[object, string, boolean]>([
  [{ width: 1200, height: 1200 }, "p", true],
  [{ width: 1201 }, "p", false],
  [{ width: 100, height: 1201 }, "p", false],
  [{ height: 601, dpr: [1, 2] }, "p@2x", false],
  [{ height: 601, dpr: [1, 2] }, "p@1x", true],
  [{ width: 600, dpr: [2] }, "p@2x", true],
  [{ width: 601, dpr: [1, 2] }, "p@2x", false],
  [{ width: 601, dpr: [1, 2] }, "p@1x", true],
  [{ width: 1920, widths: [640] }, "p@640w", true],
])("of %j the variant %s may be AVIF: %s (O7)", (preset, name, avif) => {
  expect(variants(preset).get(name)?.avif).toBe(avif);
});

test("each option takes its values, and no other, and says which the binding lacks (B7)", () => {
  const remedy = "add it to BINDING_LACKS in src/worker/config/preset.ts";
  for (const [option, { valid, invalid, lacking = [] }] of Object.entries(RANGES)) {
    for (const value of valid) {
      const isLacking = option !== "draw" && lacking.includes(value); // an overlay lacks options of its own
      expect([option, value, bindingLacks(option, value)], remedy).toEqual([
        option,
        value,
        isLacking,
      ]);
      expect(read({ width: 100, [option]: value }).mistakes, option).toEqual([]);
    }

    for (const value of invalid) {
      const { result, mistakes } = read({ width: 100, [option]: value });
      expect(result, `${option} ${value}`).toBe(undefined);
      expect(mistakes.join()).toMatch(new RegExp(`^P\\.${option}\\b`));
    }
  }
});

const UNKNOWN = ["onerror", "slow-connection-quality", "origin-auth", "__proto__", "constructor"];

test.each([...UNKNOWN, "widht"])("the unknown option %s is a mistake (O13, O14)", (option) => {
  const preset: unknown = JSON.parse(`{"width":100,"${option}":1}`);
  const guess = option === "widht" ? ". Did you mean width?" : "";
  expect(read(Object(preset)).mistakes).toEqual([`P.${option}: unknown option${guess}`]);
});

const TURNED = 'changes the picture that gravity "object" is a point of: remove one of them';
const TOO_HIGH = "P: has widths that make its height over 12,000 px";
const NO_DENSITY = "the edge makes no density over 2";
const SQUARE = { width: 12_000, height: 12_000 };
const AVIF = { width: 700, dpr: [2], format: "avif" };

test.each<[object, ...string[]]>([
  [{ width: 1 }],
  [{ quality: 80 }, "P: needs width or height"],
  [{ width: 1, dpr: [1], widths: [1] }, "P: has dpr and widths: keep one"],
  [{ width: 1, dpr: [1, 3] }, `P.dpr[1]: 3 is not a number between 1 and 2: ${NO_DENSITY}`],
  [{ height: 1, widths: [1] }, "P: has widths, but no width"],
  [{ width: "1" }, 'P.width: "1" is not a whole number between 1 and 12000'],
  [AVIF, "P: has format avif with a side over 1,200 px"],
  [{ width: 1, gravity: "object", rotate: 0 }],
  [{ width: 1, gravity: "object", rotate: 90 }, `P.rotate: ${TURNED}`],
  [{ width: 1, gravity: "object", trim: "border" }, `P.trim: ${TURNED}`],
  [{ width: 1, height: 12, widths: [1000] }],
  [{ width: 1000, height: 12_000, widths: [1000, 1001] }, TOO_HIGH],
  [{ width: 1000, height: 8000, widths: [1500, 1501] }, TOO_HIGH],
  [{ ...SQUARE, widths: [12_000] }],
  [{ ...SQUARE, widths: [12_001] }, "P.widths[0]: 12001 is not a whole number between 1 and 12000"],
])("the preset %j has its mistakes (O2)", (preset, ...mistakes) => {
  expect(read(preset).mistakes).toEqual(mistakes);
});
