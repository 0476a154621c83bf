// Compares the model of the edge with the strict edge, request by request.

import { describe, expect, test } from "vitest";
import { byEmulators, compare, type Event, month, PLACES } from "./both.ts";
import { type DesignName, presigned } from "./designs.ts";
import { createModel, type Outcome } from "./model.ts";
import { designs, presign } from "./small-site.ts";
import { MONTH, type Visit } from "./trace.ts";

const HOUR = 3_600_000;
const AVIF = "image/avif,image/webp,*/*";
const WEBP = "image/webp,*/*";

describe("the model gives the results of the strict edge (C1, C2, C3, L2)", () => {
  test.each<[DesignName, string | null]>([
    ["vitrine", null],
    ["vitrine", "max-age=7200"],
    ["vitrine", "max-age=1200, must-revalidate"],
    ["free", "max-age=7200"],
    ["presigned", "max-age=7200"],
  ])("%s, with cache-control %s", async (design, cacheControl) => {
    const played = await compare(design, cacheControl, month);
    expect(new Set(played.outcomes).size).toBe(design === "presigned" ? 1 : 3);
    expect(played.images).not.toContain(false);
  });

  type Step = "replaced" | ({ readonly after?: number } & Partial<Visit>);
  const first = {};
  test.each<[string, DesignName, string | null, readonly Step[], readonly Outcome[], number]>([
    [
      "until the last millisecond of an hour",
      "vitrine",
      null,
      [first, { after: HOUR - 1 }, { after: 1 }],
      ["bucket", "rendition", "bucket"],
      1,
    ],
    [
      "a rendition outlives its original",
      "vitrine",
      null,
      [first, { after: HOUR / 2, preset: "card" }, { after: HOUR / 2, preset: "card" }, {}],
      ["bucket", "original", "rendition", "bucket"],
      2,
    ],
    [
      "must-revalidate shortens the time",
      "vitrine",
      "max-age=60, must-revalidate",
      [first, { after: 59_999 }, { after: 1 }],
      ["bucket", "rendition", "bucket"],
      1,
    ],
    [
      "must-revalidate alone keeps nothing",
      "vitrine",
      "must-revalidate",
      [first, {}],
      ["bucket", "bucket"],
      1,
    ],
    [
      "no-store still means an hour",
      "vitrine",
      "no-store",
      [first, { after: HOUR - 1 }],
      ["bucket", "rendition"],
      1,
    ],
    [
      "a longer max-age counts",
      "vitrine",
      "max-age=7200",
      [first, { after: 2 * HOUR - 1 }, { after: 1 }],
      ["bucket", "rendition", "bucket"],
      1,
    ],
    [
      "a format is a rendition of its own, but not a transformation",
      "vitrine",
      null,
      [{ accept: AVIF }, { accept: WEBP }, { accept: "*/*" }, { accept: AVIF }],
      ["bucket", "original", "original", "rendition"],
      1,
    ],
    [
      "a dpr is both a rendition and a transformation",
      "vitrine",
      null,
      [{ dpr: 1 }, { dpr: 2 }, { dpr: 3 }],
      ["bucket", "original", "rendition"],
      2,
    ],
    [
      "another object is another source",
      "vitrine",
      null,
      [{ object: 0 }, { object: 1 }, { object: 0 }],
      ["bucket", "bucket", "rendition"],
      2,
    ],
    [
      "places have separate caches, but are billed together",
      "vitrine",
      null,
      [{ place: 0 }, { place: 1 }, { place: 0 }, { place: 1 }],
      ["bucket", "bucket", "rendition", "rendition"],
      1,
    ],
    [
      "a purge drops one object and all its variants in all places",
      "vitrine",
      null,
      [
        ...[{}, { preset: "card" }, { place: 1 }, { object: 1 }, "replaced"],
        ...[{}, { preset: "card" }, { place: 1 }, { object: 1 }],
      ] as const,
      ["bucket", "original", "bucket", "bucket", "bucket", "original", "bucket", "rendition"],
      3,
    ],
    [
      "a presigned URL lasts a second",
      "presigned",
      null,
      [first, { after: 999 }, { after: 1 }, {}],
      ["bucket", "rendition", "bucket", "rendition"],
      2,
    ],
    [
      "each free width is a transformation",
      "free",
      null,
      [{ width: 9 }, { width: 10 }, { width: 5, dpr: 2 }],
      ["bucket", "original", "rendition"],
      2,
    ],
  ])("%s", async (_title, design, cacheControl, steps, expected, count) => {
    let at = MONTH.start;
    const events = steps.map((step): Event => {
      if (step === "replaced") return { kind: "replacement", at, object: 0 };
      const { after = 0, ...changed } = step;
      at += after;
      const usual = { place: 0, object: 0, accept: AVIF, preset: "thumbnail", width: 8 } as const;
      return { kind: "visit", ...usual, dpr: 1, ...changed, at };
    });
    const { outcomes, transformations } = await compare(design, cacheControl, events);
    expect(outcomes).toEqual(expected);
    expect(transformations).toBe(count);
  });
});

test("forgetting old entries changes no result (C1)", () => {
  const model = createModel();
  const ask = (source: string, at: number, seconds: number) =>
    model.ask({ source, options: "", rendition: "" }, 0, at, seconds);
  const long = Array.from({ length: 1500 }, (_, at) => `long ${at}`);
  for (const source of long) expect(ask(source, 0, 3600)).toBe("bucket");
  for (let at = 0; at < 20_000; at++) ask(`short ${at}`, at, 1);
  for (const source of long) expect(ask(source, HOUR - 1, 3600)).toBe("rendition");
  for (const source of long) expect(ask(source, HOUR, 3600)).toBe("bucket");
  expect(model.transformations()).toBe(21_500);
});

test("an object is fetched once a place, for all variants and visitors (C2)", async () => {
  const visits = PLACES.flatMap((place) =>
    [AVIF, WEBP, "*/*", AVIF].flatMap((accept) =>
      (["thumbnail", "card", "hero"] as const).flatMap((preset) =>
        [4, 8, 16, 20].map((width): Visit => {
          const at = MONTH.start + HOUR - 1;
          return { kind: "visit", at, place, object: 0, accept, preset, width, dpr: width / 8 };
        }),
      ),
    ),
  );
  const { edges, outcomes } = await byEmulators("vitrine", null, visits);
  expect(outcomes.filter((outcome) => outcome !== "rendition").length).toBeGreaterThan(40);
  const once = [designs.vitrine.purged(0)];
  expect(edges.map(({ originFetches }) => originFetches)).toEqual([once, once, []]);
});

test.each([
  [0, 999, true],
  [999, 1000, false],
  [0, 86_400_000, false],
])("URLs presigned at %d and %d ms are one and the same: %s", async (one, other, same) => {
  const at = [MONTH.start + one, MONTH.start + other] as const;
  const [first, second] = await Promise.all(at.map((time) => presign(0, time)));
  expect(first === second).toBe(same);
  const url = designs.presigned.purged(0);
  expect(presigned(url, at[0]) === presigned(url, at[1])).toBe(same);
});
