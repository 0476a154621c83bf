// The part of a picture inside its surroundings.

import { expect, test } from "vitest";
import { boxInside } from "../../../src/emulator/edge/trim.ts";
import { size, toldBox } from "../../support/boxes.ts";

test.each<[string, Partial<Parameters<typeof boxInside>[2]>, string]>([
  ["the colour, and any transparent pixel", {}, "1×2 at 2,1"],
  ["some are kept", { keep: 1 }, "3×3 at 1,1"],
  ["more are kept than there are", { keep: 9 }, "4×3 at 1,1"],
  ["a tolerance", { tolerance: 8 }, "1×1 at 2,1"],
  ["a tolerance of any colour", { tolerance: 255 }, "4×3 at 1,1"],
  ["another colour", { colour: Uint8Array.of(9, 9, 9, 255) }, "4×3 at 1,1"],
])("the surroundings of a box: %s (O12)", (_what, changed, expected) => {
  const [clear, other] = [Uint8Array.of(70, 80, 90, 0), Uint8Array.of(20, 30, 40, 0)];
  const [off, full] = [Uint8Array.of(0, 0, 8, 8), Uint8Array.of(255, 255, 255, 255)];
  const rows = [
    [full, full, full, full, full],
    [full, clear, full, other, clear],
    [full, other, off, clear, clear],
    [full, clear, other, clear, other],
  ];
  const picture = { ...size("5×4"), data: Uint8Array.from(rows.flat().flatMap((p) => [...p])) };
  const around = { colour: clear, tolerance: 0, keep: 0, ...changed };
  const box = { left: 1, top: 1, ...size("4×3") };
  expect(toldBox(boxInside(picture, box, around))).toBe(expected);
});

test.each([
  ["red", [121, 100, 100, 255]],
  ["green", [100, 79, 100, 255]],
  ["blue", [100, 100, 121, 255]],
  ["alpha", [110, 110, 110, 234]],
])("every channel counts, here %s (O12)", (_channel, pixel) => {
  const colour = Uint8Array.of(100, 100, 100, 255);
  const picture = { ...size("2×1"), data: Uint8Array.of(...colour, ...pixel) };
  const inside = (tolerance: number) =>
    toldBox(
      boxInside(picture, { left: 0, top: 0, ...size("2×1") }, { colour, tolerance, keep: 0 }),
    );
  expect([inside(20), inside(21)]).toEqual(["1×1 at 1,0", "2×1 at 0,0"]);
});
