// Compares the model with the Worker behind the strict cache, also while S3 gives nothing.

import { describe, expect, test } from "vitest";
import { byModel, compare, type Event, month, type Trouble } from "./both.ts";
import { MONTH } from "./trace.ts";

const HOUR = 3_600_000;
const TROUBLES = ["S3 is down", "both keys are dead"] as const;
const BEGINS = MONTH.start + 2 * HOUR;
const ENDS = MONTH.start + 3 * HOUR;

/** The same events, and an hour in which no object can be read. */
function during(what: Trouble["what"], events: readonly Event[]): Event[] {
  const begins = { kind: "trouble", at: BEGINS, what } as const;
  const ends = { kind: "trouble", at: ENDS, what: "over" } as const;
  return [begins, ends, ...events].toSorted((one, other) => one.at - other.at);
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

test.each(TROUBLES)("without the cache, %s for a while (C1, C2, C4)", async (what) => {
  const events = during(what, month);
  const { outcomes, images } = await compare("vitrine", "max-age=1200", events);
  expect(new Set(outcomes).size).toBe(4);
  const shown = imagesOf(events, images);
  expect(shown.before).not.toContain(false);
  expect(shown.during).toContain(false);
  expect(shown.during).toContain(true);
  expect(shown.after).not.toContain(false);
});

describe("the model gives the results of the Worker behind the strict cache (W5, W8, W10)", () => {
  // keep 20 min, stale 40 min: in a month of four hours all that can happen does.
  const rules = { keep: 1200, stale: 2400, staleIfError: 3600 };

  test.each(["upper", "visitor"] as const)("where it runs in the %s", async (runsIn) => {
    const { calls, images } = await compare("vitrine", "max-age=2000", month, { ...rules, runsIn });
    expect(calls.length).toBeLessThan(images.length);
    expect(new Set(calls).size).toBe(runsIn === "upper" ? 2 : 4);
    expect(images).not.toContain(false);
  });

  test.each(
    TROUBLES.flatMap((what) => (["upper", "visitor"] as const).map((runsIn) => ({ what, runsIn }))),
  )("$what for a while, where it runs in the $runsIn", async ({ what, runsIn }) => {
    const events = during(what, month);
    const cached = await compare("vitrine", "max-age=1200", events, { ...rules, runsIn });
    const plain = byModel("vitrine", "max-age=1200", events);
    const shown = imagesOf(events, cached.images);
    expect(shown.before).not.toContain(false);
    expect(shown.after).not.toContain(false);
    const failures = (images: readonly boolean[]) => images.filter((image) => !image).length;
    expect(failures(cached.images)).toBeLessThan(failures(plain.images));
  });
});
