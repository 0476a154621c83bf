// What `vitrine check` says of costs, compared with what the strict edge counts.

import { expect, test } from "vitest";
import {
  readBounds,
  tellCosts,
  transformationsOf,
} from "../../../src/cli/config/transformations.ts";
import { mistakeText } from "../../../src/worker/base/refusal.ts";
import { readConfig } from "../../../src/worker/config/config.ts";
import { ENV, VARS } from "../../support/env.ts";
import { arrange, get, MODERN, stage } from "../../support/play.ts";

function configured(change: object = {}) {
  const config = readConfig({ ...ENV, ...change });
  if ("mistakes" in config) throw new Error(config.mistakes.map(mistakeText).join("\n"));
  return config;
}

test("an object causes exactly as many transformations as are told, whatever is sent (L2)", async () => {
  const { variants } = configured();
  for (const variant of variants.keys()) {
    for (const headers of [MODERN, { accept: "image/webp" }, { accept: "*/*" }]) {
      for (const path of ["/images", "/app"]) {
        const answer = await get(`${path}/${variant}/animated.gif?v=${variant}`, { headers });
        expect([variant, answer.status]).toEqual([variant, 200]);
      }
    }
  }
  const told = transformationsOf(configured());
  expect([...told]).toEqual([["media", stage.edge.transformations.size]]);
  // card: 2, hero: 2 with quality and 2 without (O5), wide: 5, tall: 1, moving: 1; where that stands still, and
  // plain, are wide@200w's.
  expect(stage.edge.transformations.size).toBe(13);
});

test.each([
  ["apart", 1],
  ["with-rendition", 0.5],
] as const)(
  "facts of all variants cause no more than is told, if billed %s (L2, R9)",
  async (way, part) => {
    arrange({ factsBilled: way });
    const ROUTES = [{ path: "/facts/:preset/*", object: "media/*", facts: true }];
    const PRESETS = { card: { width: 16, dpr: [1, 2] }, tall: { height: 9, format: "webp" } };
    const env = { ...ENV, ROUTES, PRESETS };
    for (const variant of ["card", "card@2x", "tall"]) {
      for (const query of ["", "?facts"]) {
        expect((await get(`/facts/${variant}/key.jpg${query}`, {}, env)).status).toBe(200);
      }
    }
    const told = transformationsOf(configured({ ROUTES, PRESETS }));
    expect([...told]).toEqual([["media", 6]]);
    expect(stage.edge.transformations.size).toBe(6 * part);
  },
);

const ROUTE = { path: "/images/:preset/*", object: "media/*" };

test.each<[string, object, [string, number][]]>([
  ["a preset of one size", { PRESETS: { card: { width: 1, dpr: [1] } } }, [["media", 1]]],
  [
    "two presets of the same options",
    { PRESETS: { a: { width: 1 }, b: { width: 1, format: "webp" } } },
    [["media", 1]],
  ],
  ["a preset that a route shows", { ROUTES: [{ ...ROUTE, presets: ["card"] }] }, [["media", 2]]],
  [
    "two routes",
    {
      ROUTES: [
        { ...ROUTE, presets: ["card"] },
        { ...ROUTE, path: "/more/:preset/*", presets: ["tall", "card"] },
      ],
    },
    [["media", 3]],
  ],
  [
    "a bucket that no route leads to",
    { BUCKETS: { ...VARS.BUCKETS, other: VARS.BUCKETS.media } },
    [
      ["media", 13],
      ["other", 0],
    ],
  ],
])("%s", (_what, change, expected) => {
  const presets = "PRESETS" in change ? { ROUTES: [ROUTE] } : {};
  expect([...transformationsOf(configured({ ...presets, ...change }))]).toEqual(expected);
});

test.each<[string, object, string, string | undefined]>([
  ["10,000 objects, if nobody says", {}, "$62.50", undefined],
  ["as many as are said", { objects: { media: 1000 } }, "$4.00", undefined],
  ["what is free", { objects: { media: 384 } }, "$0.00", undefined],
  ["a little more", { objects: { media: 500 } }, "$0.75", undefined],
  ["a bound that holds", { most: 62.5 }, "$62.50", undefined],
  [
    "a bound that does not",
    { most: 62 },
    "$62.50",
    "COSTS.most is $62.00 a month, and visitors can make it $62.50",
  ],
])("%s: the costs are told (L2)", (_what, COSTS, dollars, warning) => {
  const mistakes: string[] = [];
  const bounds = readBounds({ ...ENV, COSTS }, (path) => mistakes.push(path));
  const told = tellCosts(configured(), bounds);
  expect(mistakes).toEqual([]);
  expect(told.lines.join("\n")).toContain(`at most ${dollars} a month`);
  expect(told.lines.join("\n")).toContain("media: 13 for an object");
  expect(told.lines.join("\n").includes("(assumed: ")).toBe(!("objects" in COSTS));
  expect(told.warning?.what).toBe(warning);
});

test.each<[engine: unknown, each: number, facts: number, isTold: boolean]>([
  ["cf", 13, 23, false],
  ["binding", 13, 13, true],
])(
  "%s: facts cost nothing where the Images binding tells them (L2)",
  (engine, each, facts, isTold) => {
    const BUCKETS = { media: { ...VARS.BUCKETS.media, engine } };
    const own = { BUCKETS, IMAGES: { input() {}, info() {} } };
    const counts = [false, true].map((facts) =>
      transformationsOf(configured({ ...own, ROUTES: [{ ...ROUTE, facts }] })),
    );
    expect(counts.map((one) => one.get("media"))).toEqual([each, facts]);
    const { lines } = tellCosts(configured({ ...own, ROUTES: [ROUTE] }), {
      objects: new Map(),
      most: undefined,
    });
    expect(lines.join("\n").includes("if the Images binding knows an original again")).toBe(isTold);
  },
);

test.each([
  [300, "A picture is 2 requests to the Worker: 5 million pictures a month", "$0.60 a million"],
  [0, "A picture is 1 request to the Worker, as keep is 0: 10 million pictures", "$0.30 a million"],
])("with keep = %d the requests to the Worker are told (W12)", (keep, counted, price) => {
  const bounds = { objects: new Map(), most: undefined };
  const { lines } = tellCosts(configured({ ANSWERS: { keep } }), bounds);
  const line = lines.find((one) => one.includes("A picture is"));
  expect(line).toContain(counted);
  expect(line).toContain(price);
});

const shown = (facts: boolean, presets: string[], path = "/images/:preset/*") => {
  return { ...ROUTE, path, presets, facts };
};

test.each<[string, { ROUTES: object[]; objects?: object }, string, string]>([
  [
    "all that is for facts",
    { ROUTES: [shown(true, ["card"])] },
    "media: 4 for an object (2 of them by facts = true), 40,000 for",
    "visitors can make it $17.50 ($10.00 of it by facts = true, if Cloudflare bills facts)",
  ],
  [
    "what is for facts of one of two routes",
    { ROUTES: [shown(true, ["card"]), shown(false, ["wide", "card"], "/more/:preset/*")] },
    "media: 9 for an object (2 of them by facts = true), 90,000 for",
    "visitors can make it $42.50 ($10.00 of it by facts = true, if Cloudflare bills facts)",
  ],
  [
    "all, where the rest is free",
    { ROUTES: [shown(true, ["card"])], objects: { media: 2_000 } },
    "media: 4 for an object (2 of them by facts = true), 8,000 for",
    "visitors can make it $1.50 ($1.50 of it by facts = true, if Cloudflare bills facts)",
  ],
  [
    "nothing of facts where no route shows them",
    { ROUTES: [shown(false, ["moving"])] },
    "media: 2 for an object, 20,000 for",
    "visitors can make it $7.50",
  ],
])("the costs name %s (R9)", (_what, { objects, ...change }, line, warning) => {
  const bounds = readBounds(
    { ...ENV, COSTS: { most: 0.5, ...(objects && { objects }) } },
    () => {},
  );
  const told = tellCosts(configured(change), bounds);
  expect(told.lines.join("\n")).toContain(line);
  expect(told.warning?.what).toBe(`COSTS.most is $0.50 a month, and ${warning}`);
  const isByFacts = warning.includes("facts");
  expect(told.warning?.remedy.endsWith(", or no facts")).toBe(isByFacts);
});

test.each<[unknown, string[]]>([
  [
    { most: -1, mots: 1 },
    [
      "COSTS.most: -1 is not a number between 0 and 1000000000",
      "COSTS.mots: unknown option. Did you mean most?",
    ],
  ],
  [{ objects: { medai: 1 } }, ['COSTS.objects.medai: "medai" is not in BUCKETS']],
  [
    { objects: { media: 1.5 } },
    ["COSTS.objects.media: 1.5 is not a whole number between 1 and 1000000000000"],
  ],
  [{ objects: 10_000 }, ["COSTS.objects: is not a table"]],
  [[], ["COSTS: is not a table"]],
])("COSTS of %j is a mistake", (COSTS, expected) => {
  const mistakes: string[] = [];
  readBounds({ ...ENV, COSTS }, (path, message) => mistakes.push(`${path}: ${message}`));
  expect(mistakes).toEqual(expected);
});
