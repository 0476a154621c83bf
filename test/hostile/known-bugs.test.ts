// Shows that the properties find known bugs: each one is planted in a copy of the Worker.

import { afterAll, beforeAll, expect, test } from "vitest";
import { BROKEN, isBrokenName } from "./broken.ts";
import type { Bug } from "./bug.ts";
import { PROPERTY_NAMES } from "./properties.ts";
import { ask, startThread } from "./thread.ts";

const SEED = 20_261_124;
/** A bug must be found within this number of inputs. */
const MOST = 10_000;

let thread: ReturnType<typeof startThread>;
beforeAll(() => {
  thread = startThread();
});
afterAll(() => thread.terminate());

test("each property is broken by a bug", () => {
  const broken = new Set(Object.values(BROKEN).map(({ breaks }) => breaks));
  expect([...broken].sort()).toEqual([...PROPERTY_NAMES].sort());
});

test.each(Object.keys(BROKEN).filter(isBrokenName))(
  "a Worker in which %s is found out within 10,000 inputs",
  { timeout: 120_000 }, // the number of inputs is the limit, not the time on a busy machine
  async (bug) => {
    const { breaks: property, engine, seed = SEED }: Bug = BROKEN[bug];
    const attack = { property, engine, bug, seed, runs: MOST, shrink: false };
    const { finding, runs } = await ask(thread, attack);
    expect(finding, `${runs} inputs`).toBeDefined();
  },
);
