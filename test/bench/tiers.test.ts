// Compares the model of the two tiers with the strict cache: months of random requests, purges and failures.

import { describe, expect, test } from "vitest";
import { createCache } from "../../src/emulator/cache/cache.ts";
import type { Ask } from "./model.ts";
import { type CacheRules, createTiers, UPPER } from "./tiers.ts";
import { MONTH, traceOf } from "./trace.ts";

type Step =
  | { readonly at: number; readonly purge: string }
  | { readonly at: number; readonly ask: Ask; readonly place: number; readonly isDown: boolean };

/** When the image that was shown was made, and whether the entrypoint ran, where, and for whom. */
type Shown = { readonly made: number | undefined; readonly run: string | undefined };

const HOUR = 3600;
const DAY = 24 * HOUR;
const START = MONTH.start;
const RUNS_IN = ["upper", "visitor"] as const;

function byModel(rules: CacheRules, steps: readonly Step[]): Shown[] {
  const tiers = createTiers(rules);
  return steps.flatMap((step): Shown[] => {
    if ("purge" in step) {
      tiers.purge(step.purge);
      return [];
    }
    let run: string | undefined;
    const made = tiers.ask(step.ask, step.place, step.at, (place, waits) => {
      run = runOf(place === UPPER ? "upper" : `${place}`, waits);
      return !step.isDown;
    });
    return [{ made, run }];
  });
}

async function byCache(rules: CacheRules, steps: readonly Step[]): Promise<Shown[]> {
  const { keep, stale, staleIfError, runsIn } = rules;
  const lasts = `max-age=${keep}, stale-while-revalidate=${stale}, stale-if-error=${staleIfError}`;
  let now = START;
  let isDown = false;
  const cache = createCache({ now: () => now, runsIn });
  const at = (place: string) =>
    cache.entrypoint(
      ({ cache: { purge } }) => ({
        fetch: ({ url }) => {
          if (isDown) return new Response(null, { status: 502, headers: NO_STORE });
          const tag = new URL(url).searchParams.get("source") ?? "";
          const headers = { "cache-control": `public, ${lasts}`, "cache-tag": tag };
          return new Response(`${now}`, { headers });
        },
        purge,
      }),
      { place },
    );
  const shown: Shown[] = [];
  for (const step of steps) {
    now = step.at;
    if ("purge" in step) {
      const purged = await at("0").purge({ tags: [step.purge] });
      expect(purged).toEqual({ success: true, errors: [] });
      continue;
    }
    isDown = step.isDown;
    const runs = cache.runs.length;
    const { source, rendition } = step.ask;
    const url = `https://renditions/1/${rendition}?source=${source}`;
    const answer = await at(`${step.place}`).fetch(new Request(url));
    await cache.settled();
    const [run, more] = cache.runs.slice(runs);
    expect(more).toBeUndefined();
    const made = answer.ok ? Number(await answer.text()) : undefined;
    shown.push({ made, run: run && runOf(run.place, run.why !== "revalidate") });
  }
  return shown;
}

const runOf = (place: string, waits: boolean) => place + (waits ? ", the visitor waits" : "");
const NO_STORE = { "cache-control": "no-store" };

const SETTINGS = { seed: 1, objects: 10, places: 3, replacements: 30, zipf: 0.9, requests: 1500 };

/** A month with an outage of two days in each ten. */
const MONTH_OF_EVENTS = [...traceOf(SETTINGS)].map((event): Step => {
  const { at, object } = event;
  if (event.kind === "replacement") return { at, purge: `${object}` };
  const ask = { source: `${object}`, options: event.preset, rendition: event.preset };
  const day = (at - START) / 1000 / DAY;
  return { at, ask, place: event.place, isDown: day % 10 >= 8 };
});

describe("a month of the model is that of the strict cache (W5, W8, W10)", () => {
  test.each(
    RUNS_IN.flatMap((runsIn) =>
      [
        { keep: HOUR, stale: 7 * DAY, staleIfError: 7 * DAY },
        { keep: DAY, stale: 7 * DAY, staleIfError: 7 * DAY },
        { keep: 7 * DAY, stale: 7 * DAY, staleIfError: 7 * DAY },
        { keep: HOUR, stale: HOUR, staleIfError: DAY },
        { keep: HOUR, stale: DAY, staleIfError: HOUR },
        { keep: DAY, stale: 0, staleIfError: 0 },
        { keep: HOUR, stale: 0, staleIfError: 3 * DAY },
        { keep: 30 * DAY, stale: 0, staleIfError: 0 },
      ].map((times) => ({ ...times, runsIn })),
    ),
  )("%j", async (rules) => {
    const shown = byModel(rules, MONTH_OF_EVENTS);
    expect(shown).toEqual(await byCache(rules, MONTH_OF_EVENTS));
    expect(shown.some(({ run }) => run === undefined)).toBe(true);
  });
});

describe("step by step", () => {
  const rules = { keep: 10, stale: 20, staleIfError: 50 };
  type Asked = { readonly s: number; readonly place?: number; readonly down?: true };
  const waits = "upper, the visitor waits";

  test.each<
    [string, readonly (Asked | "purge")[], readonly (readonly [number | string, string?])[]]
  >([
    [
      "fresh until the last millisecond",
      [{ s: 0 }, { s: 9.999 }, { s: 10 }],
      [[0, waits], [0], [0, "upper"]],
    ],
    [
      "a place gets what another had made, with its age",
      [{ s: 0 }, { s: 9, place: 1 }, { s: 10, place: 1 }, { s: 11, place: 1 }],
      [[0, waits], [0], [0, "upper"], [10]],
    ],
    [
      "what another place had renewed costs nobody a wait",
      [{ s: 0 }, { s: 0, place: 1 }, { s: 15 }, { s: 16, place: 1 }, { s: 17, place: 1 }],
      [[0, waits], [0], [0, "upper"], [0], [15]],
    ],
    [
      "a new place gets what is stale in the upper tier",
      [{ s: 0 }, { s: 29.999, place: 1 }, { s: 30, place: 1 }],
      [[0, waits], [0, "upper"], [29.999]],
    ],
    [
      "after stale, the visitor waits",
      [{ s: 0 }, { s: 30 }],
      [
        [0, waits],
        [30, waits],
      ],
    ],
    [
      "in an outage it is shown for longer, and then no more; after it all is as before",
      [
        ...[{ s: 0 }, { s: 20, down: true }, { s: 59.999, down: true }, { s: 60, down: true }],
        ...[{ s: 61 }, { s: 62 }],
      ] as const,
      [[0, waits], [0, "upper"], [0, waits], ["nothing", waits], [61, waits], [61]],
    ],
    [
      "in an outage a new place gets what the upper tier has",
      [{ s: 0 }, { s: 40, place: 1, down: true }, { s: 41, place: 1 }],
      [
        [0, waits],
        [0, waits],
        [41, waits],
      ],
    ],
    [
      "a failure is not kept",
      [{ s: 0, down: true }, { s: 0.001 }],
      [
        ["nothing", waits],
        [0.001, waits],
      ],
    ],
    [
      "a purge drops it in all tiers, in an outage too",
      [{ s: 0 }, { s: 1, place: 1 }, "purge", { s: 2, place: 1, down: true }, { s: 3 }],
      [[0, waits], [0], ["nothing", waits], [3, waits]],
    ],
  ])("%s (W8)", async (_title, asked, expected) => {
    let at = START;
    const ask = { source: "a", options: "", rendition: "card" };
    const steps = asked.map((one): Step => {
      if (one === "purge") return { at, purge: "a" };
      at = START + one.s * 1000;
      return { at, ask, place: one.place ?? 0, isDown: one.down ?? false };
    });
    const shown = byModel({ ...rules, runsIn: "upper" }, steps);
    const told = shown.map(({ made, run }) => {
      const when = made === undefined ? "nothing" : (made - START) / 1000;
      return run === undefined ? [when] : [when, run];
    });
    expect(told).toEqual(expected);
    for (const runsIn of RUNS_IN) {
      const both = { ...rules, runsIn };
      expect(byModel(both, steps)).toEqual(await byCache(both, steps));
    }
  });
});
