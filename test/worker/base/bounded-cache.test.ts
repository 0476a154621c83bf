// The bounded cache keeps no more than its bound, and keeps what is read often.

import { describe, expect, test } from "vitest";
import { createBoundedCache } from "../../../src/worker/base/bounded-cache.ts";

const ROOM = 1_048_576;
const ENTRY = 512;
const BYTES = 2;
const name = (at: number, length: number) => `${at}/`.padEnd(length, "k");

test.each([
  [100_000, 60],
  [10_000, 3_000],
  [300, 100_000],
  [3, 2_000_000],
])(
  "of %d keys of %d characters one generation is found, at two bytes a character",
  (times, length) => {
    for (const letter of ["k", "鍵"]) {
      const recent = createBoundedCache<number>(ROOM);
      const nameOf = (at: number) => `${at}/`.padEnd(length, letter);
      for (let at = 0; at < times; at++) recent.set(nameOf(at), at);
      let kept = 0;
      // The last ones first: each one that is found moves to the newer generation, until that is full.
      for (let at = times - 1; at >= 0; at--) if (recent.get(nameOf(at)) === at) kept += 1;
      const size = BYTES * length + ENTRY;
      expect(kept).toBeGreaterThan(0);
      expect(Math.abs(kept * size - ROOM)).toBeLessThan(2 * size);
    }
  },
);

test("what is asked for again and again stays, whatever else is set", () => {
  const recent = createBoundedCache<string>(ROOM);
  const hot = Array.from({ length: 20 }, (_, at) => [`hot/${at}`, `value ${at}`] as const);
  for (const [key, value] of hot) recent.set(key, value);
  for (let at = 0; at < 50_000; at++) {
    recent.set(name(at, 60), "cold");
    if (at % 100 === 0) for (const [key, value] of hot) expect(recent.get(key)).toBe(value);
  }
});

describe("with room for four in each generation", () => {
  const LENGTH = 10;
  const FOUR = 4 * (BYTES * LENGTH + ENTRY);
  const value = (at: number) => `value ${at}`;

  function cacheOf(room: number) {
    const recent = createBoundedCache<string>(room);
    const set = (...places: number[]) => {
      for (const at of places) recent.set(name(at, LENGTH), value(at));
    };
    const get = (...places: number[]) => places.map((at) => recent.get(name(at, LENGTH)));
    return { set, get };
  }
  const gone = (...places: number[]) => places.map(() => undefined);

  test("eight are kept", () => {
    const { set, get } = cacheOf(FOUR);
    set(1, 2, 3, 4, 5, 6, 7, 8);
    expect(get(1)).toEqual([value(1)]);
  });

  test("the ninth takes the place of the first four", () => {
    const { set, get } = cacheOf(FOUR);
    set(1, 2, 3, 4, 5, 6, 7, 8, 9);
    expect(get(1, 2, 3, 4)).toEqual(gone(1, 2, 3, 4));
    expect(get(5, 6, 7, 9)).toEqual([5, 6, 7, 9].map(value));
  });

  test("one character less is room for three", () => {
    const { set, get } = cacheOf(FOUR - 1);
    set(1, 2, 3, 4, 5, 6, 7);
    expect(get(1, 2, 3)).toEqual(gone(1, 2, 3));
    expect(get(4)).toEqual([value(4)]);
  });

  test("what is found in the older generation moves to the newer one, and takes room there", () => {
    const { set, get } = cacheOf(FOUR);
    set(1, 2, 3, 4, 5);
    expect(get(1)).toEqual([value(1)]);
    set(6, 7); // the newer generation is full: 5, 1, 6 and 7
    set(8, 9);
    expect(get(2, 3, 4)).toEqual(gone(2, 3, 4));
    expect(get(1, 1)).toEqual([1, 1].map(value)); // the newer one is 8, 9 and 1
    set(10, 11); // the newer one is 11
    expect(get(5, 6, 7)).toEqual(gone(5, 6, 7));
    expect(get(8, 9, 1)).toEqual([8, 9, 1].map(value));
  });
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
