// Sizes and boxes: fit, density, trim, border.

import { expect, test } from "vitest";
import { fitting } from "../../../src/emulator/edge/geometry.ts";
import type { Transformations } from "../../../src/emulator/edge/options.ts";
import { size, told } from "../../support/boxes.ts";

/** The part of a source, the size to which it is scaled, and the canvas if it is larger. */
const fitted = (source: string, options: Transformations) => {
  const { part, scaled, canvas } = fitting(size(source), options);
  const on = told(canvas) === told(scaled) ? "" : ` on ${told(canvas)}`;
  return `${told(part)} → ${told(scaled)}${on}`;
};

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
