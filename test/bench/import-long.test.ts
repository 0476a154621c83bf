// The simulation of an import: the whole hour, without a queue, and where much fails.

import { expect, test } from "vitest";
import worker, { Renditions } from "../../src/worker/index.ts";
import { FULL, simulateRow } from "./import/report.ts";

const code = {
  ...worker,
  createPurger: (context: ExecutionContext, env: object) => new Renditions(context, env),
};

/** A tenth of the import of the table, at the same pace. */
const SIZE = { created: 1_000, replaced: 20, minutes: 6 };

/** A third of the runs die on their way, and a twentieth of the purges fail. */
const faults = { purges: 50, storeCalls: 2, runs: 300 };

test("what is imported in an hour is purged within two, and what is replaced within two minutes (W10)", async () => {
  const result = await simulateRow(code, "R2 and the queue", FULL);
  expect(result.lost).toBe(0);
  expect(result.replacedSeconds.at(-1)).toBeLessThan(120);
  expect(result.createdSeconds).toBeLessThan(7_200);
});

test.each([1, 2, 3, 4, 5])("no event is lost where much fails: seed %d (Q2)", async (seed) => {
  for (const title of ["R2 and the queue", "R2, with 50 subrequests"]) {
    const result = await simulateRow(code, title, { ...SIZE, faults, seed });
    expect(result.lost).toBe(0);
    expect(result.diedRuns).toBeGreaterThan(3);
  }
});

test("without a queue, each event is a call, and pictures stay old for hours (W10)", async () => {
  const result = await simulateRow(code, "EventBridge, without a queue", SIZE);
  expect(result.refusedPurges).toBeGreaterThan(SIZE.created);
  expect(result.replacedSeconds.at(-1)).toBeGreaterThan(3_600);
});
