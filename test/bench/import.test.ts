// The simulation of an import: what the queue promises of it, with what fails now and then. import-long.test.ts has more.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import worker, { Renditions } from "../../src/worker/index.ts";
import { ROOT } from "../support/built.ts";
import { simulateRow } from "./import/report.ts";

const code = {
  ...worker,
  createPurger: (context: ExecutionContext, env: object) => new Renditions(context, env),
};

/** Parts of the import of the table, at the same pace. */
const SMALL = { created: 200, replaced: 10, minutes: 1.2 };
const SIZE = { created: 500, replaced: 20, minutes: 3 };

test.each<[what: string, title: string, change: typeof SIZE & { batchesPerIsolate?: number }]>([
  ["EventBridge and a queue", "EventBridge and the queue", SMALL],
  ["R2", "R2 and the queue", SIZE],
  ["R2, each batch in another isolate", "R2 and the queue", { ...SIZE, batchesPerIsolate: 1 }],
  ["R2, without a store", "R2, without a store", SIZE],
])(
  "%s: a replaced picture is new within two minutes, and no event is lost (W10, Q2)",
  async (_what, title, change) => {
    const result = await simulateRow(code, title, change);
    expect(result.replacedSeconds.at(-1)).toBeLessThan(120);
    expect([result.lost, result.refusedPurges]).toEqual([0, 0]);
    expect(result.busiestMinute).toBeLessThanOrEqual(5);
    expect(result.createdSeconds).toBeLessThan(2 * change.minutes * 60);
  },
);

test("with the calls of the free plan, no event is lost (L3)", async () => {
  const result = await simulateRow(code, "R2, with 50 subrequests", SIZE);
  expect([result.lost, result.maxSubrequests, result.refusedPurges]).toEqual([0, 50, 0]);
});

test("the committed figures are those of the page", () => {
  const file = readFileSync(join(ROOT, "fixtures/bench/import.json"), "utf8");
  const { lines }: { readonly lines: readonly string[] } = JSON.parse(file);
  expect(readFileSync(join(ROOT, "docs/events.md"), "utf8")).toContain(lines.join("\n"));
});
