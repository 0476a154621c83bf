// Compares the model with the whole Worker behind the strict cache, also while S3 gives nothing.

import { describe, expect, test } from "vitest";
import { compare, type Event, month, type Trouble } from "./both.ts";
import { MONTH } from "./trace.ts";

const HOUR = 3_600_000;
const BEGINS = MONTH.start + 2 * HOUR;
const ENDS = MONTH.start + 3 * HOUR;

/** The same events, and an hour in which no object can be read. */
function during(what: Trouble["what"]): Event[] {
  const begins = { kind: "trouble", at: BEGINS, what } as const;
  const ends = { kind: "trouble", at: ENDS, what: "over" } as const;
  return [begins, ends, ...month].toSorted((one, other) => one.at - other.at);
}

/** Who got an image before, during and after that hour. */
function imagesOf(events: readonly Event[], images: readonly boolean[]) {
  const times = events.filter(({ kind }) => kind === "visit").map(({ at }) => at);
  const within = (from: number, until: number) =>
    images.filter((_, index) => from <= (times[index] ?? 0) && (times[index] ?? 0) < until);
  return {
    before: within(0, BEGINS),
    during: within(BEGINS, ENDS),
    after: within(ENDS, Number.POSITIVE_INFINITY),
  };
}

// keep 20 min, stale 40 min: in a month of four hours all that can happen does.
const rules = { keep: 1200, stale: 2400, staleIfError: 3600 };
const CACHES = [
  undefined,
  { ...rules, runsIn: "upper" as const },
  { ...rules, runsIn: "visitor" as const },
];

describe("the model gives the results of the whole Worker (C1, C2, L2, W5, W8, W10, W18)", () => {
  test.each(CACHES.flatMap((cache) => [true, false].map((events) => ({ cache, events }))))(
    "%j",
    async (settings) => {
      const { runs, images } = await compare(month, settings);
      expect(images).not.toContain(false);
      const isCached = settings.cache !== undefined;
      expect(runs.length < images.length).toBe(isCached);
      expect(runs.some((run) => run.endsWith("unchanged"))).toBe(isCached);
    },
  );
});

describe.each(["S3 is down", "both keys are dead"] as const)("%s for an hour", (what) => {
  test.each(CACHES.map((cache) => ({ cache, events: true })))("%j (C4, W8)", async (settings) => {
    const events = during(what);
    const { images } = await compare(events, settings);
    const shown = imagesOf(events, images);
    expect(shown.before).not.toContain(false);
    expect(shown.after).not.toContain(false);
    expect(shown.during.includes(true)).toBe(settings.cache !== undefined);
    expect(shown.during).toContain(false);
  });
});
