// Requests that arrive together share their calls.

import { expect, test } from "vitest";
import { type Batch, closeBatch, joinBatch, openBatch } from "../../../src/worker/purge/batch.ts";
import type { Target } from "../../../src/worker/purge/targets.ts";

const target = (key: string): Target => {
  const bucket = { base: "https://x/", engines: ["cf"] } as const;
  return { name: `media/${key}`, bucket, key, url: `https://x/${key}` };
};
const many = (count: number) => Array.from({ length: count }, (_, at) => target(`${at}`));
const names = (batches: readonly Batch[]) =>
  batches.map(({ targets }) => [...targets.values()].map(({ key }) => key));
const promise = () => Promise.resolve(new Map());

test.each<[string, number, number, boolean]>([
  ["at once", 0, 1, true],
  ["within the second", 999, 1, true],
  ["a second later", 1000, 1, false],
  ["when the clock was set back a little", -500, 1, true],
  ["when the clock was set back", -5000, 1, false],
  ["with as many as there is room for", 0, 2499, true],
  ["with more", 0, 2500, false],
])("another request joins: %s", (_when, later, count, joins) => {
  const batches = openBatch([], [target("first")], promise(), 10_000);
  const joined = joinBatch(batches, many(count), 10_000 + later);
  expect(joined !== undefined).toBe(joins);
  if (joined) expect(joined.batches[0]?.targets.size).toBe(count + 1);
});

test("nothing joins what is not open", () => {
  expect(joinBatch([], [target("a")], 0)).toBeUndefined();
});

test("each batch has the objects that joined it, each once, also if a later one is open", () => {
  const [first, second] = [promise(), promise()];
  let batches = openBatch([], [target("a")], first, 0);
  batches = joinBatch(batches, [target("b"), target("a")], 10)?.batches ?? [];
  batches = openBatch(batches, [target("c")], second, 1100);
  const joined = joinBatch(batches, [target("d")], 1200);
  expect(joined?.ended).toBe(second);
  expect(names(joined?.batches ?? [])).toEqual([
    ["a", "b"],
    ["c", "d"],
  ]);
  const closed = closeBatch(joined?.batches ?? [], first);
  expect(closed.targets.map(({ key }) => key)).toEqual(["a", "b"]);
  expect(names(closed.batches)).toEqual([["c", "d"]]);
  expect(closeBatch(closed.batches, first)).toEqual({ batches: closed.batches, targets: [] });
});

test("a batch whose request was cut off is forgotten after a minute", () => {
  const batches = openBatch([], [target("a")], promise(), 0);
  expect(openBatch(batches, [target("b")], promise(), 59_999)).toHaveLength(2);
  expect(openBatch(batches, [target("b")], promise(), 60_000)).toHaveLength(1);
});
