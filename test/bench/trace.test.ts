// The invented month: reproducible from its seed, and with the intended distributions.

import { describe, expect, test } from "vitest";
import { seeded, weighted, zipf } from "./random.ts";
import { bytesOfObjects, MONTH, type Settings, traceOf, type Visit } from "./trace.ts";

const SETTINGS: Settings = {
  ...{ seed: 1, requests: 20_000, objects: 500, places: 10, replacements: 200, zipf: 0.9 },
};
const events = [...traceOf(SETTINGS)];
const visits = events.filter((event): event is Visit => event.kind === "visit");

test("the same seed gives the same month, and another seed another month", () => {
  expect([...traceOf(SETTINGS)]).toEqual(events);
  expect([...traceOf({ ...SETTINGS, seed: 2 })]).not.toEqual(events);
  expect(bytesOfObjects(SETTINGS)).toEqual(bytesOfObjects(SETTINGS));
  expect(bytesOfObjects({ ...SETTINGS, seed: 2 })).not.toEqual(bytesOfObjects(SETTINGS));
});

test("all requests and replacements are in order and within the month", () => {
  expect([visits.length, events.length - visits.length]).toEqual([20_000, 200]);
  const times = events.map(({ at }) => at);
  expect(times).toEqual(times.toSorted((one, other) => one - other));
  expect(times[0]).toBeGreaterThanOrEqual(MONTH.start);
  expect(times.at(-1)).toBeLessThan(MONTH.end);
  expect(new Date(MONTH.end - 1).getUTCMonth()).toBe(new Date(MONTH.start).getUTCMonth());
});

describe("Zipf's law", () => {
  test.each([0, 0.6, 0.9, 1.2])("with exponent %d", (exponent) => {
    const random = seeded(3);
    const draw = zipf(100, exponent);
    const counts = new Array<number>(100).fill(0);
    for (let times = 0; times < 200_000; times++) {
      const drawn = draw(random);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    for (const rank of [2, 4, 10, 50]) {
      const ratio = (counts[0] ?? 0) / (counts[rank - 1] ?? 0);
      expect(ratio / rank ** exponent).toBeGreaterThan(0.85);
      expect(ratio / rank ** exponent).toBeLessThan(1.15);
    }
  });
});

test.each([
  [[1], [0, 0, 0, 0]],
  [
    [1, 1],
    [0, 0, 1, 1],
  ],
  [
    [1, 3],
    [0, 1, 1, 1],
  ],
  [
    [8, 1, 1],
    [0, 0, 0, 2],
  ],
])("of the weights %j it chooses %j", (weights, expected) => {
  const choose = weighted(weights);
  expect([0, 0.49, 0.5, 0.999].map((chance) => choose(() => chance))).toEqual(expected);
});

test("all kinds of visits occur", () => {
  const seen = <Value>(of: (visit: Visit) => Value) => new Set(visits.map(of)).size;
  expect(seen(({ preset }) => preset)).toBe(3);
  expect(seen(({ accept }) => accept)).toBe(3);
  expect(seen(({ place }) => place)).toBe(10);
  expect(seen(({ dpr }) => dpr)).toBe(5);
  expect(seen(({ object }) => object)).toBeGreaterThan(450);
  const widths = visits.filter(({ preset }) => preset === "hero").map(({ width }) => width);
  expect(new Set(widths).size).toBeGreaterThan(200);
  expect([Math.min(...widths), Math.max(...widths)].every((width) => width >= 360)).toBe(true);
  expect(Math.max(...widths)).toBeLessThanOrEqual(1920);
});

test("originals have about 2.5 MB, and none is too large for the edge (L1)", () => {
  const bytes = [...bytesOfObjects({ ...SETTINGS, objects: 100_000 })].sort((a, b) => a - b);
  expect((bytes[50_000] ?? 0) / 2.5e6).toBeCloseTo(1, 1);
  expect(bytes[0]).toBeGreaterThan(10_000);
  expect(bytes.at(-1)).toBeLessThanOrEqual(100e6);
  expect(bytes.every(Number.isInteger)).toBe(true);
});
