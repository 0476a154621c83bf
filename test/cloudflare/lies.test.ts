// Each probe against the emulators as they are.

import { expect, it } from "vitest";
import { createEmulatedWorld } from "./emulated-world.ts";
import { PROBES } from "./probes/index.ts";

/** What the emulators do not play, or nobody can see. */
const NOT_SEEN = ["E11", "E12", "E13", "C6"];

it("sees each rule that the emulators play, with at most 60 unique transformations", async () => {
  const world = createEmulatedWorld();
  for (const { rule, run } of PROBES) {
    const { outcome, seen } = await run(world);
    const expected = NOT_SEEN.includes(rule) ? "not seen" : "as the rule says";
    expect({ rule, outcome, seen }).toEqual({ rule, outcome: expected, seen });
  }
  expect(world.emulated.edge.transformations.size).toBeLessThanOrEqual(60);
});
