// Compares the model of the two tiers with the strict cache: months of random requests, replaced objects, events and failures.

import { describe, expect, test } from "vitest";
import { createCache } from "../../src/emulator/cache/cache.ts";
import { type CacheRules, createTiers } from "./tiers.ts";
import { MONTH, traceOf } from "./trace.ts";

/** What the strict cache is told, too: where Renditions runs, and how long what it answers is fresh (W5). */
type Rules = CacheRules & { readonly runsIn: "upper" | "visitor" };

type Step =
  | { readonly at: number; readonly event: number }
  | { readonly at: number; readonly replaced: number }
  | {
      readonly at: number;
      readonly object: number;
      readonly rendition: string;
      readonly place: number;
      readonly isDown: boolean;
    };

/** The version that was shown, and whether Renditions ran, where, for whom, and what it answered. */
type Shown = { readonly version: number | undefined; readonly run: string | undefined };

const HOUR = 3600;
const DAY = 24 * HOUR;
const START = MONTH.start;
const RUNS_IN = ["upper", "visitor"] as const;

function byModel(rules: Rules, steps: readonly Step[]): Shown[] {
  const tiers = createTiers(rules);
  const versions = new Map<number, number>();
  return steps.flatMap((step): Shown[] => {
    if ("event" in step) {
      tiers.purge(step.event);
      return [];
    }
    if ("replaced" in step) {
      versions.set(step.replaced, (versions.get(step.replaced) ?? 0) + 1);
      return [];
    }
    const { object, rendition, place, at, isDown } = step;
    const now = versions.get(object) ?? 0;
    let run: string | undefined;
    const { version, how } = tiers.ask(object, rendition, place, at, (waits, cached) => {
      const status = isDown ? 502 : cached === now ? 304 : 200;
      run = runOf(rules.runsIn === "upper" ? "upper" : `${place}`, waits, status);
      return isDown ? undefined : { version: now, keep: rules.keep, hasEtag: true };
    });
    expect(how === "waited").toBe(run?.includes("waits") ?? false);
    return [{ version, run }];
  });
}

async function byCache(rules: Rules, steps: readonly Step[]): Promise<Shown[]> {
  const { keep, stale, staleIfError, runsIn } = rules;
  const lasts = `max-age=${keep}, stale-while-revalidate=${stale}, stale-if-error=${staleIfError}`;
  let now = START;
  let isDown = false;
  let status = 0;
  const versions = new Map<string, number>();
  const cache = createCache({ now: () => now, runsIn });
  const at = (place: string) =>
    cache.entrypoint(
      ({ cache: { purge } }) => ({
        fetch: ({ url, headers: asked }) => {
          const tag = new URL(url).searchParams.get("object") ?? "";
          const version = versions.get(tag) ?? 0;
          const etag = `"${version}"`;
          status = isDown ? 502 : asked.get("if-none-match") === etag ? 304 : 200;
          if (isDown) return new Response(null, { status, headers: NO_STORE });
          const headers = { etag, "cache-control": `public, ${lasts}`, "cache-tag": tag };
          return new Response(status === 304 ? null : `${version}`, { status, headers });
        },
        purge,
      }),
      { place },
    );
  const shown: Shown[] = [];
  for (const step of steps) {
    now = step.at;
    if ("event" in step) {
      const purged = await at("0").purge({ tags: [`${step.event}`] });
      expect(purged).toEqual({ success: true, errors: [] });
      continue;
    }
    if ("replaced" in step) {
      versions.set(`${step.replaced}`, (versions.get(`${step.replaced}`) ?? 0) + 1);
      continue;
    }
    isDown = step.isDown;
    const runs = cache.runs.length;
    const url = `https://renditions/1/${step.rendition}?object=${step.object}`;
    const answer = await at(`${step.place}`).fetch(new Request(url));
    await cache.settled();
    const [run, more] = cache.runs.slice(runs);
    expect(more).toBeUndefined();
    const version = answer.ok ? Number(await answer.text()) : undefined;
    shown.push({ version, run: run && runOf(run.place, run.why !== "revalidate", status) });
  }
  return shown;
}

function runOf(place: string, waits: boolean, status: number): string {
  return `${place}${waits ? ", the visitor waits" : ""}: ${status}`;
}
const NO_STORE = { "cache-control": "no-store" };

const SETTINGS = { seed: 1, objects: 10, places: 3, replacements: 30, zipf: 0.9, requests: 1500 };

/** A month with an outage of two days in each ten. Every other replaced object is told by an event. */
const MONTH_OF_EVENTS = [...traceOf(SETTINGS)].flatMap((event): Step[] => {
  const { at, object } = event;
  if (event.kind === "replacement") {
    const replaced = { at, replaced: object };
    return at % 2 === 0 ? [replaced] : [replaced, { at, event: object }];
  }
  const day = (at - START) / 1000 / DAY;
  return [{ at, object, rendition: event.preset, place: event.place, isDown: day % 10 >= 8 }];
});

describe("a month of the model is that of the strict cache (W5, W8, W10, W18)", () => {
  test.each(
    RUNS_IN.flatMap((runsIn) =>
      [
        { keep: 300, stale: 7 * DAY, staleIfError: 7 * DAY },
        { keep: HOUR, stale: 7 * DAY, staleIfError: 7 * DAY },
        { keep: 7 * DAY, stale: 7 * DAY, staleIfError: 7 * DAY },
        { keep: HOUR, stale: HOUR, staleIfError: DAY },
        { keep: HOUR, stale: DAY, staleIfError: HOUR },
        { keep: DAY, stale: 0, staleIfError: 0 },
        { keep: HOUR, stale: 0, staleIfError: 3 * DAY },
      ].map((times) => ({ ...times, runsIn })),
    ),
  )("%j", async (rules) => {
    const shown = byModel(rules, MONTH_OF_EVENTS);
    expect(shown).toEqual(await byCache(rules, MONTH_OF_EVENTS));
    const answers = new Set(shown.map(({ run }) => run?.slice(-3)));
    expect(answers).toEqual(new Set([undefined, "200", "304", "502"]));
  });
});

describe("step by step", () => {
  const rules = { keep: 10, stale: 20, staleIfError: 50 };
  type Asked = { readonly s: number; readonly place?: number; readonly down?: true };
  const made = "upper, the visitor waits: 200";
  const same = "upper, the visitor waits: 304";
  const failed = "upper, the visitor waits: 502";

  test.each<
    [
      string,
      readonly (Asked | "replaced" | "event")[],
      readonly (readonly [number | undefined, string?])[],
    ]
  >([
    [
      "fresh until the last millisecond, then checked behind what is shown",
      [{ s: 0 }, { s: 9.999 }, { s: 10 }, { s: 19.999 }],
      [[0, made], [0], [0, "upper: 304"], [0]],
    ],
    [
      "a place gets what another had made, with its age",
      [{ s: 0 }, { s: 9, place: 1 }, { s: 10, place: 1 }],
      [[0, made], [0], [0, "upper: 304"]],
    ],
    [
      "what another place had checked costs S3 nothing",
      [{ s: 0 }, { s: 0, place: 1 }, { s: 15 }, { s: 16, place: 1 }, { s: 17, place: 1 }],
      [[0, made], [0], [0, "upper: 304"], [0], [0]],
    ],
    [
      "after stale, the visitor waits for S3 alone",
      [{ s: 0 }, { s: 30 }],
      [
        [0, made],
        [0, same],
      ],
    ],
    [
      "a replaced object is shown once more in each place",
      [
        { s: 0 },
        { s: 0, place: 1 },
        "replaced",
        { s: 10 },
        { s: 11 },
        { s: 19, place: 1 },
        { s: 20, place: 1 },
      ],
      [[0, made], [0], [0, "upper: 200"], [1], [0], [1, "upper: 304"]],
    ],
    [
      "after an event it is shown no more",
      [{ s: 0 }, { s: 0, place: 1 }, "replaced", "event", { s: 1 }, { s: 1, place: 1 }],
      [[0, made], [0], [1, made], [1]],
    ],
    [
      "in an outage it is shown for longer, and then no more; after it all is as before",
      [
        ...[{ s: 0 }, { s: 20, down: true }, { s: 59.999, down: true }, { s: 60, down: true }],
        ...[{ s: 61 }, { s: 62 }],
      ] as const,
      [[0, made], [0, "upper: 502"], [0, failed], [undefined, failed], [0, same], [0]],
    ],
    [
      "a failure is not kept",
      [{ s: 0, down: true }, { s: 0.001 }],
      [
        [undefined, failed],
        [0, made],
      ],
    ],
  ])("%s (W8, W18)", async (_title, asked, expected) => {
    let at = START;
    const steps = asked.map((one): Step => {
      if (one === "event") return { at, event: 0 };
      if (one === "replaced") return { at, replaced: 0 };
      at = START + one.s * 1000;
      const { place = 0, down: isDown = false } = one;
      return { at, object: 0, rendition: "card", place, isDown };
    });
    const shown = byModel({ ...rules, runsIn: "upper" }, steps);
    expect(shown).toEqual(expected.map(([version, run]) => ({ version, run })));
    for (const runsIn of RUNS_IN) {
      const both = { ...rules, runsIn };
      expect(byModel(both, steps)).toEqual(await byCache(both, steps));
    }
  });

  test("what a tier evicts, its visitor waits for, unless the other tier still has it", () => {
    const tiers = createTiers({ ...rules, evictAfter: 5 });
    const ask = (s: number, place: number) =>
      tiers.ask(0, "card", place, s * 1000, (_waits, cached) => {
        expect(cached).toBeUndefined();
        return { version: 0, keep: rules.keep, hasEtag: true };
      }).how;
    expect([ask(0, 0), ask(4, 1), ask(6, 0), ask(11, 0)]).toEqual([
      ...["waited", "fresh", "fresh", "waited"],
    ]);
  });
});
