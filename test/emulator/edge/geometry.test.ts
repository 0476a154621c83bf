// Sizes and boxes: fit, density, trim, border.

import { expect, test } from "vitest";
import { fitting } from "../../../src/emulator/edge/geometry.ts";
import type { Transformations } from "../../../src/emulator/edge/options.ts";
import type { Size } from "../../../src/emulator/edge/picture.ts";
import { size, told } from "../../support/boxes.ts";

/** The part of a source, the size to which it is scaled, and the canvas if it is larger. */
const fitted = (source: string, options: Transformations) => {
  const { part, scaled, canvas } = fitting(size(source), options);
  const on = told(canvas) === told(scaled) ? "" : ` on ${told(canvas)}`;
  return `${told(part)} → ${told(scaled)}${on}`;
};

const FITS = [
  ...(["scale-down", "scale-up", "contain", "cover", "crop", "aspect-crop"] as const),
  ...(["pad", "squeeze"] as const),
];

test.each<[Transformations, string]>([
  [{ width: 40, dpr: 2 }, "100×60 → 80×48"],
  [{ width: 33, height: 33, dpr: 1.5, fit: "cover" }, "60×60 → 50×50"],
  [{ width: 33, height: 33, dpr: 1.5, fit: "pad" }, "100×60 → 50×30 on 50×50"],
  [{ width: 20, height: 20, dpr: 7, fit: "squeeze" }, "100×60 → 40×40"],
  [{ width: 20, dpr: 2.01 }, "100×60 → 40×24"],
  [{ width: 40, dpr: 0.5 }, "100×60 → 20×12"],
  [{ width: 1, dpr: 0.1 }, "100×60 → 1×1"],
  [{ dpr: 2 }, "100×60 → 100×60"],
])("dpr multiplies sides by at most 2: %j (O2)", (options, expected) => {
  expect(fitted("100×60", options)).toBe(expected);
});

test.each(FITS)("%s is as documented for any source and any sides (O2, O3)", (fit) => {
  const lengths = [1, 3, 7, 999, 12_000];
  for (const [width, height, w, h] of combinations(lengths, 4)) {
    for (const dpr of [1, 1.5, 2]) {
      const source = { width: width ?? 0, height: height ?? 0 };
      const options = { fit, dpr, width: w ?? 0, height: h ?? 0 };
      const { part, scaled, canvas } = fitting(source, options);
      const box = { width: Math.round((w ?? 0) * dpr), height: Math.round((h ?? 0) * dpr) };
      const at = `${told(source)}, ${JSON.stringify(options)}`;
      const whole = [part, scaled, canvas].flatMap(({ width, height }) => [width, height]);
      expect(whole.every((side) => Number.isInteger(side) && side >= 1)).toBe(true);
      expect(within(part, source), at).toBe(true);
      if (fit !== "scale-up") expect(within(canvas, box), at).toBe(true);
      if (/cover|pad|squeeze/.test(fit)) expect(canvas, at).toEqual(box);
      if (/scale-down|crop/.test(fit)) expect(within(scaled, part), at).toBe(true);
      if (fit === "scale-up") expect(within(part, scaled), at).toBe(true);
      if (!/cover|crop/.test(fit)) expect(part, at).toEqual(source);
    }
  }
});

function combinations(values: readonly number[], length: number): readonly number[][] {
  if (length === 0) return [[]];
  return combinations(values, length - 1).flatMap((rest) =>
    values.map((value) => [...rest, value]),
  );
}

const within = (inner: Size, outer: Size) =>
  inner.width <= outer.width && inner.height <= outer.height;
