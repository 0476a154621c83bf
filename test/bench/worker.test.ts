// Compares the model with the whole Worker behind the strict cache, also while S3 gives nothing.

import { describe, expect, test } from "vitest";
import { compare, type Event, month, type Trouble } from "./both.ts";
import { MONTH } from "./trace.ts";

const HOUR = 3_600_000;
const BEGINS = MONTH.start + HOUR;
const ENDS = MONTH.start + 2 * HOUR;

/** The same events, and an hour in which no object can be read. */
function during(what: Trouble["what"]): Event[] {
  return withTroubles([BEGINS, what], [ENDS, "over"]);
}

function withTroubles(...troubles: (readonly [number, Trouble["what"]])[]): Event[] {
  const events = troubles.map(([at, what]) => ({ kind: "trouble", at, what }) as const);
  return [...events, ...month].toSorted((one, other) => one.at - other.at);
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
const cache = { keep: 1200, stale: 2400, staleIfError: 3600 };
const CACHES = [
  { runsIn: "visitor" as const },
  { cache, runsIn: "upper" as const },
  { cache, runsIn: "visitor" as const },
].flatMap((rules) => [true, false].map((store) => ({ ...rules, store })));

describe("the model gives the results of the whole Worker (C1, C2, L2, W5, W8, W10, W18)", () => {
  test.each(CACHES.flatMap((rules) => [true, false].map((events) => ({ ...rules, events }))))(
    "%j",
    async (settings) => {
      const events = withTroubles([ENDS, "the cache is emptied"]);
      const { runs, images } = await compare(events, settings);
      expect(images).not.toContain(false);
      const isCached = "cache" in settings;
      expect(runs.length < images.length).toBe(isCached);
      const has = (outcome: string) => runs.some((run) => run.includes(`: ${outcome} (`));
      expect([has("unchanged"), has("stored")]).toEqual([isCached, settings.store]);
    },
  );
});

describe.each(["S3 is down", "both keys are dead"] as const)("%s for an hour", (what) => {
  test.each(CACHES.map((rules) => ({ ...rules, events: true })))(
    "%j (C4, W8)",
    async (settings) => {
      const events = during(what);
      const { images } = await compare(events, settings);
      const shown = imagesOf(events, images);
      expect(shown.before).not.toContain(false);
      expect(shown.after).not.toContain(false);
      expect(shown.during.includes(true)).toBe("cache" in settings || settings.store);
      expect(shown.during).toContain(false);
    },
  );
});
