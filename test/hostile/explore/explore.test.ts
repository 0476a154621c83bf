// In whatever order calls take effect and are answered, the Worker keeps its promises; and each promise fails where a bug
// is planted. `npm run explore` explores more.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { INVARIANTS, type InvariantName } from "./invariants.ts";
import { PLANTS, type PlantName } from "./plants.ts";
import { storyOf } from "./story.ts";
import { runExploration, startThread } from "./thread.ts";
import { SHORT_WORLDS } from "./worlds.ts";

const MAX_EXECUTIONS = 20_000;

let thread: ReturnType<typeof startThread>;
beforeAll(() => {
  thread = startThread();
});
afterAll(() => thread.terminate());

const explore = (world: string, plant?: PlantName, turns?: number) =>
  runExploration(thread, { kind: "all", maxExecutions: MAX_EXECUTIONS, world, plant, turns });

describe("in each order of the steps, every promise is kept:", () => {
  test.each(SHORT_WORLDS)("%s (W10, W18, T1, Q2)", async (world) => {
    const report = await explore(world);
    expect(report.finding, storyOf(report)).toBeUndefined();
    expect(report.leftOut).toBe(0);
  });
});

describe("a planted bug breaks a promise:", () => {
  const names = Object.keys(PLANTS) as PlantName[];
  test.each(names)("%s", async (name) => {
    const { world, invariant } = PLANTS[name];
    const { finding } = await explore(world, name);
    const [violation] = finding?.violations ?? [];
    expect(violation?.invariant).toBe(invariant);
  });

  test("each promise has one", () => {
    const broken = new Set<InvariantName>(names.map((name) => PLANTS[name].invariant));
    expect(broken).toEqual(new Set(Object.keys(INVARIANTS)));
  });

  test("its story is the same when its choices are taken again", async () => {
    const plant = "a purge that leaves the store";
    const { world } = PLANTS[plant];
    const { finding } = await explore(world, plant);
    const { choices = [] } = finding ?? {};
    const again = await runExploration(thread, { kind: "replay", world, plant, choices });
    expect(again.finding).toEqual(finding);
  });
});

test("one turn of the event loop runs all that a step leads to", async () => {
  const world = "a denial";
  expect(await explore(world, undefined, 5)).toEqual(await explore(world));
});
