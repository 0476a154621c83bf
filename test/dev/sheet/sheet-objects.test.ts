// What the contact sheet shows of an object: its URLs, its costs, and what the edge is asked.

import { expect, test } from "vitest";
import { addRenditions, type LocalObject } from "../../../src/dev/sheet/sheet-objects.ts";
import type { Vars } from "../../../src/worker/config/schema.ts";
import { configOf } from "../../support/config-of.ts";
import { ENV, VARS } from "../../support/env.ts";
import { stage } from "../../support/run-worker.ts";

const PICTURE = { format: "jpeg", type: "image/jpeg", width: 300, height: 200 } as const;
const OBJECT: LocalObject = {
  ...{ key: "a.jpg", etag: "1", bytes: 9, picture: PICTURE },
  format: undefined,
};
const IMAGES = { path: "/images/:preset/*", object: "media/*" };

async function sheetObjectOf(change: Vars, object = OBJECT, now = 0) {
  const vars = { ...ENV, ...change };
  const [sheetObject] = await addRenditions({ config: configOf(vars), vars }, [object], now);
  return sheetObject ?? expect.unreachable();
}

test("a URL changes with the object, the preset and the route, and with nothing else", async () => {
  const urls = async (change: Vars, object = OBJECT) => {
    const { renditions } = await sheetObjectOf(change, object, Math.random() * 1e9);
    return renditions.map(({ client, name, query }) => client.imageUrl(object.key, name, query));
  };
  const ROUTES = [IMAGES];
  const before = await urls({ ROUTES });
  expect(before).toHaveLength(Object.keys(VARS.PRESETS).length);
  for (const url of before) expect(url).toMatch(/^\/images\/\w+\/a\.jpg\?v=[0-9a-f]{12}$/);
  expect(await urls({ ROUTES, ANSWERS: { max_age: 1 } })).toEqual(before);
  const card = { ...VARS.PRESETS.card, width: 161 };
  const changed = await urls({ ROUTES, PRESETS: { ...VARS.PRESETS, card } });
  expect(changed.filter((url) => !before.includes(url))).toEqual([
    expect.stringContaining("/card/"),
  ]);
  for (const urlsAfter of [
    await urls({ ROUTES }, { ...OBJECT, etag: "2" }),
    await urls({ ROUTES: [{ ...IMAGES, svg: true }] }),
  ]) {
    expect(urlsAfter.filter((url) => before.includes(url))).toEqual([]);
  }
});

test("a signed route has signatures that expire within what it allows", async () => {
  const ROUTES = [{ ...IMAGES, signed: true, max_age: 60 }];
  const { renditions } = await sheetObjectOf({ ROUTES }, OBJECT, 1_000_000);
  for (const { query } of renditions) expect(query).toMatch(/^\?exp=1060&kid=\w+&sig=[\w-]+$/);
});

test.each<[string, Vars, object]>([
  [
    "two presets, of the object in two buckets",
    {
      PRESETS: { one: { width: 1 }, two: { width: 1, format: "webp" } },
      BUCKETS: { ...VARS.BUCKETS, other: VARS.BUCKETS.media },
      ROUTES: [
        { ...IMAGES, presets: ["one"] },
        { path: "/other/:preset/*", object: "other/*", presets: ["two"] },
      ],
    },
    { one: 2, two: 2, all: 4 },
  ],
  [
    "a preset that no route shows",
    {
      PRESETS: { one: { width: 1 }, two: { width: 2 } },
      ROUTES: [{ ...IMAGES, presets: ["two"] }],
    },
    { two: 2 },
  ],
  [
    "facts of the Images binding, which cost nothing",
    {
      BUCKETS: { media: { ...VARS.BUCKETS.media, engine: "binding" } },
      ...{ IMAGES: stage.edge.images, ROUTES: [{ ...IMAGES, facts: true }] },
      PRESETS: { one: { width: 1 } },
    },
    { one: 2 },
  ],
])("what an object costs: %s (L2)", async (_what, change, expected) => {
  const { costs } = await sheetObjectOf({ ROUTES: [IMAGES], ...change });
  const sum = Object.values(costs.presets).reduce((total, count) => total + count, 0);
  expect({ all: costs.all, ...costs.presets }).toEqual({ all: sum, ...expected });
});

const BY_BINDING = { media: { ...VARS.BUCKETS.media, engine: "binding" } };
const EITHER = {
  BUCKETS: { media: VARS.BUCKETS.media, other: BY_BINDING.media },
  ROUTES: [
    { ...IMAGES, presets: ["one"] },
    { path: "/other/:preset/*", object: "other/*", presets: ["two"] },
  ],
};
const TWO = { one: { width: 1 }, two: { width: 2 } };

test.each<[string, Partial<LocalObject>, Vars, presets: string[], refusals: RegExp[]]>([
  ["a TIFF", { format: "TIFF" }, { ROUTES: [IMAGES] }, [], [/^visitors get 415: .*no TIFF/]],
  [
    "a JPEG XL of unknown sides",
    { format: "JPEG XL", picture: undefined },
    EITHER,
    [],
    [/no JPEG XL/],
  ],
  [
    "a HEIC, of which the edge is not known to read any",
    { format: "HEIC" },
    EITHER,
    [],
    [/^visitors may get 415/, /^the local run cannot show HEIC, which the Images binding reads$/],
  ],
  [
    "a side that is too long",
    { picture: { ...PICTURE, width: 12_001 } },
    EITHER,
    [],
    [/^visitors get 415: 12001 × 200 px/],
  ],
  [
    "the longest side that there may be",
    { picture: { ...PICTURE, width: 200, height: 12_000 } },
    EITHER,
    ["one", "two"],
    [],
  ],
  [
    "too many pixels",
    { picture: { ...PICTURE, width: 10_001, height: 10_000 } },
    EITHER,
    [],
    [/100 million pixels/],
  ],
  [
    "as many pixels as there may be",
    { picture: { ...PICTURE, width: 10_000, height: 10_000 } },
    EITHER,
    ["one", "two"],
    [],
  ],
  [
    "too many bytes for the binding alone",
    { bytes: 20_000_001 },
    EITHER,
    ["one"],
    [/^visitors get 415: over 20 MB/],
  ],
  ["as many bytes as the binding reads", { bytes: 20_000_000 }, EITHER, ["one", "two"], []],
  [
    "an SVG on a route without any",
    { format: "SVG" },
    { ROUTES: [IMAGES] },
    [],
    [/^visitors get 415: no route with svg = true/],
  ],
  [
    "an SVG on its route",
    { format: "SVG" },
    { ROUTES: [{ ...IMAGES, svg: true }] },
    ["one", "two"],
    [],
  ],
])(
  "%s is shown where visitors see it, or has the reason (B1, B4, L1, R8)",
  async (_what, change, vars, presets, refusals) => {
    const object = { ...OBJECT, ...change };
    const sheetObject = await sheetObjectOf(
      { IMAGES: stage.edge.images, PRESETS: TWO, ...vars },
      object,
    );
    expect(sheetObject.renditions.map(({ name }) => name)).toEqual(presets);
    expect(sheetObject.refusals).toEqual(refusals.map((text) => expect.stringMatching(text)));
    expect(Object.keys(sheetObject.costs.presets)).toEqual(presets); // what is refused is not billed
  },
);
