// The bill of a month.

import { describe, expect, test } from "vitest";
import { billOf, charge, PRICES } from "./prices.ts";

describe("the bill (L2, T5, W12)", () => {
  const none = {
    ...{ requests: 0, cpuMs: 0, transformations: 0, s3Requests: 0, bytes: 0 },
    ...{ storeReads: 0, storeWrites: 0, storeBytes: 0 },
  };

  test.each<[Partial<typeof none>, number]>([
    [{}, 5],
    [{ requests: 10e6, cpuMs: 30e6, transformations: 5000, bytes: 100e9 }, 5],
    [{ requests: 11e6 }, 5.3],
    [{ cpuMs: 31e6 }, 5.02],
    [{ transformations: 6000 }, 5.5],
    [{ s3Requests: 1e6 }, 5.4],
    [{ storeReads: 10e6, storeWrites: 1e6, storeBytes: 10e9 }, 5],
    [{ storeReads: 11e6 }, 5.36],
    [{ storeWrites: 2e6 }, 9.5],
    [{ storeBytes: 110e9 }, 6.5],
    [{ bytes: 200e9 }, 14],
    [{ bytes: 10e12 }, 5 + 9900 * 0.09],
    [{ bytes: 11e12 }, 5 + 9900 * 0.09 + 85],
  ])("of %j is $%d", (usage, dollars) => {
    expect(billOf({ ...none, ...usage }).total).toBeCloseTo(dollars, 6);
  });

  test("has steps in ascending order", () => {
    for (const steps of Object.values(PRICES)) {
      if (typeof steps === "number") continue;
      const ends = steps.map(({ upTo }) => upTo);
      expect(ends).toEqual(ends.toSorted((one, other) => one - other));
      expect(ends.at(-1)).toBe(Number.POSITIVE_INFINITY);
    }
    expect(charge(0, PRICES.bytes)).toBe(0);
  });
});
