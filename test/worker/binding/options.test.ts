// What the Images binding is asked for of a preset's options, where the strict binding cannot show it.

import { expect, test } from "vitest";
import { overlayOptions } from "../../../src/worker/binding/options.ts";

test("an overlay is drawn where and how its preset says (O12)", () => {
  const shape = { width: 20, height: 10 };
  const sides = { top: 1, right: 2, bottom: 3, left: 4 };
  const draw = { opacity: 0.5, repeat: "x", composite: "over", ...sides } as const;
  expect(overlayOptions({ key: "logo.png", ...shape, ...draw })).toEqual({ shape, draw });
});
