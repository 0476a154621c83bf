// The simulation of costs: its rules, its model of Workers Cache, a bill, and the figures that the pages have of it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createCache } from "../../src/emulator/cache/cache.ts";
import { ROOT } from "../support/built.ts";
import { eventTable } from "./cost/keep.ts";
import { billOf, totalOf } from "./cost/prices.ts";
import { AFTER, BEFORE } from "./cost/rules.ts";
import { simulate } from "./cost/simulate.ts";
import { elementAt, type Picture, VARIANTS } from "./cost/site.ts";
import type { Table } from "./cost/tables.ts";
import { createWorkersCache, EVICTS_NOTHING, keepVersion, lookUp } from "./cost/workers-cache.ts";
import { seeded } from "./random.ts";

const WEBP = { number: 1, type: "image/webp", bytes: 80_000, hasLongHead: false } as const;
const CAMERA = { number: 2, type: "image/jpeg", bytes: 3e6, hasLongHead: true } as const;
const PICTURES = {
  "a camera's portrait": { ...CAMERA, size: { width: 3_024, height: 4_032 } },
  "a camera's landscape": { ...CAMERA, size: { width: 4_032, height: 3_024 } },
  "a small landscape": { ...WEBP, size: { width: 1_000, height: 667 } },
  "a small portrait": { ...WEBP, size: { width: 900, height: 1_400 } },
} as const satisfies Record<string, Picture>;

/** A browser that reads AVIF and WebP, by its index. */
const MODERN = 0;

const variantOf = (preset: string, width: number) => {
  const variant = VARIANTS.find(
    ({ preset: name, image }) => name === preset && image.width === width,
  );
  if (!variant) throw new Error(`there is no ${preset} of ${width} px`);
  return variant;
};

test.each([
  ["a camera's portrait", 960, ["image/webp", 2, "not stored"], ["image/webp", "stored"]],
  ["a camera's landscape", 960, ["image/avif", 1, "stored"], ["image/avif", "stored"]],
  ["a small landscape", 1_280, ["image/png", 2, "not stored"], ["image/avif", "stored"]],
  ["a small portrait", 960, [undefined, 2, "not stored"], ["image/webp", "stored"]],
] as const)("%s at %i px: before and after (O7, R6)", (name, width, before, after) => {
  const picture = PICTURES[name];
  const variant = variantOf("hero", width);
  const stored = (isStored: boolean) => (isStored ? "stored" : "not stored");

  const old = BEFORE.render(picture, variant, MODERN);
  expect([old.type, old.requests, stored(old.isStored)]).toEqual(before);

  const now = AFTER.render(picture, variant, MODERN);
  expect([now.type, stored(now.isStored)]).toEqual(after);
  expect(now.readsLongHead).toBe(picture.hasLongHead);
});

test("variants above the original are one transformation, and a PNG was a second one (L2, O5)", () => {
  const picture = PICTURES["a small landscape"];
  const billed = [1_280, 1_920].map((width) => {
    return AFTER.render(picture, variantOf("hero", width), MODERN).billed;
  });
  expect(billed[0]).toEqual(billed[1]);
  expect(BEFORE.render(picture, variantOf("hero", 1_280), MODERN).billed).toHaveLength(2);
  expect(BEFORE.render(picture, variantOf("card", 480), MODERN).billed).toHaveLength(1);
});

describe("the model of Workers Cache", () => {
  const KEEP = 300;
  const STALE = 3_600;

  test("shows what the strict cache shows, and runs Renditions as often (W5, W8, W18)", async () => {
    const random = seeded(7);
    let now = 1_000;
    let version = 1;
    const cache = createCache({ now: () => now * 1_000 });
    const headers = { "cache-control": `public, max-age=${KEEP}, stale-while-revalidate=${STALE}` };
    const renditions = cache.entrypoint(() => ({
      fetch: async ({ headers: sent }: Request) => {
        const etag = `"${version}"`;
        const isUnchanged = sent.get("if-none-match") === etag;
        const init = { headers: { ...headers, etag } };
        return isUnchanged
          ? new Response(null, { ...init, status: 304 })
          : new Response(`${version}`, init);
      },
    }));
    const model = createWorkersCache({ keep: KEEP, stale: STALE, ...EVICTS_NOTHING }, 1);

    let runs = 0;
    for (let step = 0; step < 400; step++) {
      now += Math.floor(random() * (random() < 0.9 ? KEEP : 2 * STALE));
      if (random() < 0.1) version += 1;
      const dataCenter = Math.floor(random() * 3);

      const answer = await cache.at(`${dataCenter}`, () => renditions.fetch("https://r/1"));
      const text = await answer.text();
      await cache.settled();

      const lookup = lookUp(model, dataCenter, 0, now);
      if (lookup.kind !== "shown") {
        runs += 1;
        const isFromUpper = lookup.kind === "shown-and-checked" && lookup.isFromUpper;
        keepVersion(model, isFromUpper ? undefined : dataCenter, 0, version, now);
      }
      const shownVersion = lookup.kind === "missed" ? version : lookup.version;
      expect([step, `${shownVersion}`, runs]).toEqual([step, text, cache.runs.length]);
    }
  });
});

describe("a month", () => {
  const SITE = { views: 2_000, objects: 40, replacements: 4 };
  const SETTINGS = { site: SITE, months: 2, hasStore: true, hasEvents: false } as const;

  test("in an outage, all that was rendered is shown after, and not before", () => {
    // Workers Cache evicts all at once, so that the store alone is left.
    const cache = { ...EVICTS_NOTHING, keep: 300, stale: 0, evictUnusedAfter: 1 };
    const [before, after] = [BEFORE, AFTER].map((rules) => simulate({ ...SETTINGS, rules, cache }));
    const share = (result = before) => (result?.outage.pictures ?? 0) / (result?.outage.views ?? 1);
    expect(share(after)).toBeGreaterThan(0.9);
    expect(share(before)).toBeLessThan(share(after));
  });

  test("each view is counted once, and a store makes the second month cheaper (L2, W12)", () => {
    const cache = { ...EVICTS_NOTHING, keep: 300, stale: 600, evictUnusedAfter: 86_400 };
    const { months } = simulate({ ...SETTINGS, rules: AFTER, cache });
    const [first, second] = [elementAt(months, 0), elementAt(months, 1)];
    const { fresh, stale, waitedForS3, waitedForEdge, refused } = second;
    expect(fresh + stale + waitedForS3 + waitedForEdge + refused).toBe(SITE.views);
    expect(second.workerRequests).toBe(2 * SITE.views);
    expect(second.transformations).toBeLessThan(first.transformations / 2);
  });

  test("is billed by the public prices, and free where all of it is", () => {
    const [counts] = simulate({ ...SETTINGS, months: 1, rules: AFTER, cache: undefined }).months;
    if (!counts) throw new Error("there is no month");
    expect(totalOf(billOf(counts, "r2"))).toBe(0);

    const more = {
      ...counts,
      workerRequests: 20e6,
      transformations: 105_000,
      gets: 5e6,
      s3Bytes: 300e9,
    };
    const { workers, transformations, gets, traffic } = billOf(more, "s3");
    expect([workers, transformations, gets, traffic]).toEqual([8, 50, 2, 18]);
    expect(billOf(more, "r2").traffic).toBe(0);
  });
});

describe("the pages", () => {
  const tablesIn = (file: string): Table[] =>
    JSON.parse(readFileSync(join(ROOT, "fixtures/bench", file), "utf8")).tables;

  test.each(["cost.json", "keep.json"])("have the committed figures: %s", (file) => {
    for (const { page, lines } of tablesIn(file)) {
      const text = readFileSync(join(ROOT, page), "utf8").replace(/ +/g, " ");
      const [head = "", , ...rows] = lines;
      for (const line of [head, ...rows]) expect(text).toContain(line.replace(/ +/g, " "));
    }
  });

  test("have what events cost by the prices of the program", () => {
    expect(tablesIn("keep.json").map(({ lines }) => lines)).toContainEqual(eventTable());
  });
});
