// All worlds, wholly, except the deep ones; and in all a random walk beyond the bounds.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { storyOf } from "./story.ts";
import { runExploration, startThread } from "./thread.ts";
import { WORLDS } from "./worlds.ts";

const MAX_EXECUTIONS = 100_000;
const SEED = 20_261_201;
const STEPS = 20_000;
/** Of a world with a queue: there are many, and an execution is long. */
const QUEUE_STEPS = 3_000;
/** On a busy machine, too: ms. */
const TIMEOUT_MS = 600_000;

let thread: ReturnType<typeof startThread>;
beforeAll(() => {
  thread = startThread();
});
afterAll(() => thread.terminate());

describe.each(WORLDS)("$name:", ({ name: world, isDeep = false, by }) => {
  test.skipIf(isDeep)(
    "each order of the steps keeps every promise",
    async () => {
      const report = await runExploration(thread, {
        kind: "all",
        maxExecutions: MAX_EXECUTIONS,
        world,
      });
      console.log(storyOf(report));
      expect(report.finding, storyOf(report)).toBeUndefined();
      expect(report.leftOut).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    "random steps beyond the bounds keep every promise",
    async () => {
      const report = await runExploration(thread, {
        kind: "walk",
        seed: SEED,
        steps: by === "queue" ? QUEUE_STEPS : STEPS,
        world,
      });
      console.log(`seed ${SEED}: ${storyOf(report)}`);
      expect(report.finding, storyOf(report)).toBeUndefined();
    },
    TIMEOUT_MS,
  );
});
