// The schema of presets: defaults, ranges, mistakes, and the variants of a preset.

import { expect, test } from "vitest";
import { presetSchema, type Variant, variantsOf } from "../../../src/worker/config/preset.ts";

function read(preset: object) {
  const mistakes: string[] = [];
  const found = presetSchema(preset, "P", (path, message) => mistakes.push(`${path}: ${message}`));
  return { found, mistakes };
}

function variants(preset: object): Map<string, Variant> {
  const { found, mistakes } = read(preset);
  if (found === undefined) throw new Error(mistakes.join());
  return new Map(variantsOf("p", found));
}

const defaults = { fit: "scale-down", metadata: "none", anim: false };

test("the defaults protect", () => {
  expect(read({ width: 100 }).found).toEqual({ width: 100, format: "auto", ...defaults });
});

test("dpr allows x descriptors, and @1x is the variant without one (C1)", () => {
  const found = variants({ width: 100, height: 50, dpr: [1, 1.5, 2] });
  expect([...found.keys()]).toEqual(["p", "p@1x", "p@1.5x", "p@2x"]);
  expect(found.get("p")?.image).toEqual({ width: 100, height: 50, ...defaults });
  expect(found.get("p@1x")?.image).toEqual(found.get("p")?.image);
  expect(found.get("p@2x")?.image).toEqual({ width: 100, height: 50, dpr: 2, ...defaults });
});

test("widths allow w descriptors, which keep the shape", () => {
  const found = variants({ width: 1600, height: 900, widths: [400, 1600] });
  expect([...found.keys()]).toEqual(["p", "p@400w", "p@1600w"]);
  expect(found.get("p@400w")?.image).toEqual({ width: 400, height: 225, ...defaults });
  expect(found.get("p@1600w")?.image).toEqual(found.get("p")?.image);
  expect(variants({ width: 4, height: 3, widths: [2] }).get("p@2w")?.image.height).toBe(2);
  expect(variants({ width: 9000, height: 1, widths: [1] }).get("p@1w")?.image.height).toBe(1);
  expect(variants({ width: 100, widths: [50] }).get("p@50w")?.image).not.toHaveProperty("height");
});

test.each<[object, string, boolean]>([
  [{ width: 1200, height: 1200 }, "p", true],
  [{ width: 1201 }, "p", false],
  [{ width: 100, height: 1201 }, "p", false],
  [{ width: 600, dpr: [2] }, "p@2x", true],
  [{ width: 601, dpr: [1, 2] }, "p@2x", false],
  [{ width: 601, dpr: [1, 2] }, "p@1x", true],
  [{ width: 1920, widths: [640] }, "p@640w", true],
])("of %j the variant %s may be AVIF: %s (O7)", (preset, name, avif) => {
  expect(variants(preset).get(name)?.avif).toBe(avif);
});

// Each option at the ends of its range, and just beyond them.
test.each<[string, unknown[], unknown[]]>([
  ["width", [1, 12_000], [0, -1, 1.5, 12_001, "100", null, Number.NaN, Number.POSITIVE_INFINITY]],
  ["height", [1, 12_000], [0, 12_001, true]],
  ["dpr", [[1], [1.5, 2]], [[0.5], [3], 2, ["2"], []]],
  ["widths", [[1], [640, 12_000]], [[0], [1.5], [640, 12_001], ["640"], 640, []]],
  ["fit", ["scale-down", "scale-up", "contain", "cover", "crop", "pad", "squeeze"], ["aspect", 1]],
  [
    "gravity",
    ["auto", "face", "center", { x: 0, y: 1 }],
    ["middle", { x: 2 }, { z: 0 }, 1, null, new Date(0)],
  ],
  ["zoom", [0, 1], [-0.1, 1.1]],
  ["quality", [1, 100, "high", "medium-high", "medium-low", "low"], [0, 101, 50.5, "best"]],
  ["format", ["auto", "avif", "webp", "jpeg", "png", "png-force"], ["json", "svg", "gif", "AVIF"]],
  ["anim", [true, false], ["true", 1]],
  ["metadata", ["none", "copyright", "keep"], ["all"]],
  ["sharpen", [0, 10], [-1, 11]],
  ["blur", [1, 250], [0, 251]],
  ["brightness", [0, 1.5], [-1, "1", Number.POSITIVE_INFINITY]],
  ["contrast", [0, 1.5], [-1]],
  ["gamma", [0, 1.5], [-1]],
  ["saturation", [0, 1.5], [-1]],
  ["rotate", [0, 90, 180, 270], [45, 360, "90"]],
  ["flip", ["h", "v", "hv"], ["vh"]],
  [
    "trim",
    [
      ...["border", { top: 0 }, { border: true }, { border: { keep: 1 } }],
      { width: 1, height: 12_000 },
      { border: { keep: 12_000, tolerance: 0 } },
    ],
    [
      ...[
        "all",
        { top: -1 },
        { left: 12_001 },
        { width: 0 },
        { width: 12_001 },
        { height: 12_001 },
      ],
      { border: { keep: 12_001 } },
    ],
  ],
  [
    "border",
    [
      { color: "red", width: 1 },
      { color: "red", top: 1, right: 1, bottom: 1, left: 1 },
    ],
    [
      ...[{ color: "red" }, { width: 1 }, "red", { color: "red", width: 1, top: 1 }],
      { color: "red", width: 12_001 },
    ],
  ],
  ["background", ["#fff"], ["", 7]],
  ["compression", ["fast"], ["slow"]],
  ["segment", ["foreground"], ["background"]],
  ["upscale", ["interpolate", "generate"], [true]],
  [
    "draw",
    [[{ url: "https://x.example/a.png", opacity: 0.5, repeat: "x", bottom: 1 }]],
    [
      [{}],
      [],
      [{ url: "https://x.example/a b" }],
      [{ url: "http://x.example/a.png" }],
      [{ url: "https://x", opacity: 2 }],
      [{ url: "https://x", width: 0 }],
      [{ url: "https://x", width: 12_001 }],
      [{ url: "https://x", top: 12_001 }],
      {},
    ],
  ],
])("%s takes %j, and nothing of %j (O1–O12)", (option, right, wrong) => {
  for (const value of right) {
    expect(read({ width: 100, [option]: value }).mistakes).toEqual([]);
  }
  for (const value of wrong) {
    const { found, mistakes } = read({ width: 100, [option]: value });
    expect(found).toBeUndefined();
    expect(mistakes.join()).toMatch(new RegExp(`^P\\.${option}\\b`));
  }
});

test.each([
  "onerror",
  "slow-connection-quality",
  "origin-auth",
  "widht",
  "__proto__",
  "constructor",
])("the unknown option %s is a mistake (O13, O14)", (option) => {
  const preset: unknown = JSON.parse(`{"width":100,"${option}":1}`);
  expect(read(Object(preset)).mistakes).toEqual([`P.${option}: unknown option`]);
});

test.each<[object, string[]]>([
  [{ width: 1 }, []],
  [{ height: 1 }, []],
  [{ quality: 80 }, ["P: needs width or height"]],
  [{ width: 1, dpr: [1], widths: [1] }, ["P: has dpr and widths: keep one"]],
  [
    { width: 1, dpr: [1, 3] },
    ["P.dpr[1]: 3 is not a number between 1 and 2: the edge makes no density over 2"],
  ],
  [{ height: 1, widths: [1] }, ["P: has widths, but no width"]],
  [{ width: "1" }, ['P.width: "1" is not a whole number between 1 and 12000']],
  [
    { width: 700, dpr: [2], format: "avif", blur: 0 },
    ["P.blur: 0 is not a number between 1 and 250", "P: has format avif with a side over 1,200 px"],
  ],
  [{ width: 1, height: 12, widths: [1000] }, []],
  [
    { width: 1000, height: 12_000, widths: [1000, 1001] },
    ["P: has widths that make its height over 12,000 px"],
  ],
  [
    { width: 1000, height: 8000, widths: [1500, 1501] },
    ["P: has widths that make its height over 12,000 px"],
  ],
  [{ width: 12_000, height: 12_000, widths: [12_000] }, []],
  [
    { width: 12_000, height: 12_000, widths: [12_001] },
    ["P.widths[0]: 12001 is not a whole number between 1 and 12000"],
  ],
])("the preset %j has the mistakes %j (O2)", (preset, mistakes) => {
  expect(read(preset).mistakes).toEqual(mistakes);
});
