// However much is set, little is kept, and what is asked for often is.

import { expect, test } from "vitest";
import { createBoundedCache } from "../../../src/worker/base/bounded-cache.ts";

const ROOM = 1_048_576;
const name = (at: number, length: number) => `${at}/`.padEnd(length, "k");

test.each([
  [100_000, 60],
  [10_000, 3_000],
  [300, 100_000],
  [3, 2_000_000],
])("of %d keys of %d characters about two halves are kept", (times, length) => {
  const recent = createBoundedCache<number>(ROOM);
  for (let at = 0; at < times; at++) recent.set(name(at, length), at);
  let kept = 0;
  // The last first: what is found moves to the newer half.
  for (let at = times - 1; at >= 0; at--) if (recent.get(name(at, length)) === at) kept += 1;
  expect(kept).toBeGreaterThan(0);
  expect(kept * (length + 512)).toBeLessThan(2 * ROOM + 2 * (length + 512));
});

test("what is asked for again and again stays, whatever else is set", () => {
  const recent = createBoundedCache<string>(ROOM);
  const hot = Array.from({ length: 20 }, (_, at) => `hot/${at}`);
  for (const key of hot) recent.set(key, key);
  for (let at = 0; at < 50_000; at++) {
    recent.set(name(at, 60), "cold");
    if (at % 100 === 0) for (const key of hot) expect(recent.get(key)).toBe(key);
  }
});

test("what is not asked for goes", () => {
  const recent = createBoundedCache<string>(ROOM);
  recent.set("once", "x");
  for (let at = 0; at < 5_000; at++) recent.set(name(at, 60), "cold");
  expect(recent.get("once")).toBeUndefined();
});

test("a value is replaced, and only by its own key", () => {
  const recent = createBoundedCache<number>(ROOM);
  for (const value of [1, 2]) recent.set("a", value);
  recent.set("b", 3);
  expect([recent.get("a"), recent.get("b"), recent.get("A"), recent.get("")]).toEqual([
    ...[2, 3, undefined, undefined],
  ]);
});
