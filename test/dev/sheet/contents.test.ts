// The data of the contact sheet: what it costs, what the edge is asked, and when its tag changes.

import { expect, test } from "vitest";
import { noteChanges, settingsOf } from "../../../src/dev/sheet/changed-at.ts";
import { contentsOf } from "../../../src/dev/sheet/contents.ts";
import type { Call } from "../../../src/dev/sheet/data.ts";
import type { Known } from "../../../src/dev/sheet/describe.ts";
import { tagged } from "../../../src/dev/sheet/local-sheet.ts";
import { readConfig } from "../../../src/worker/config/config.ts";
import type { Vars } from "../../../src/worker/config/schema.ts";
import { ENV, VARS } from "../../support/env.ts";
import { stage } from "../../support/play.ts";

const NOW = Date.UTC(2026, 10, 26);
const KNOWN: Known = {
  ...{ key: "a.jpg", group: "pictures", bytes: 9, format: "jpeg", width: 300, height: 200 },
};
const IMAGES = { path: "/images/:preset/*", object: "media/*" };

async function sheetOf(change: Vars, known = KNOWN, now = NOW, seen = {}) {
  const vars = { ...ENV, ...change };
  const config = readConfig(vars);
  if ("mistakes" in config) throw new Error(JSON.stringify(config.mistakes));
  return contentsOf(config, vars, [known], true, seen, now);
}

test("the tag changes with what is shown, and not with the time of a signature", async () => {
  const signed = { ROUTES: [{ ...IMAGES, signed: true }] };
  const tagOf = async (...given: Parameters<typeof sheetOf>) =>
    tagged([], await sheetOf(...given)).tag;
  const [sheet, later] = [await sheetOf(signed), await sheetOf(signed, KNOWN, NOW + 5_000)];
  expect(sheet.pictures[0]?.renditions[0]?.query).toMatch(/^\?exp=/);
  expect(later.pictures).not.toEqual(sheet.pictures);
  const { tag } = tagged([], sheet);
  expect(tagged([], later).tag).toBe(tag);
  const others = [
    tagged(["PRESETS: is not a table"], sheet).tag,
    tagged([], undefined).tag,
    await tagOf({ ROUTES: [IMAGES] }),
    await tagOf({ ROUTES: [{ ...IMAGES, signed: true, path: "/i/:preset/*" }] }),
    await tagOf({ ...signed, PRESETS: { ...VARS.PRESETS, card: { width: 161 } } }),
    await tagOf(signed, { ...KNOWN, key: "b.jpg" }),
    await tagOf(signed, { ...KNOWN, at: NOW }),
  ];
  expect(new Set([tag, ...others]).size).toBe(others.length + 1);
});

test.each<[string, Vars, object]>([
  ["a preset of one size", { PRESETS: { one: { width: 1 } } }, { one: 1 }],
  ["densities", { PRESETS: { one: { width: 1, dpr: [1, 2] } } }, { one: 2 }],
  ["an animation, and a still one", { PRESETS: { one: { width: 1, anim: true } } }, { one: 2 }],
  [
    "equal options, which count once",
    { PRESETS: { one: { width: 1, dpr: [1, 2] }, two: { width: 1, format: "webp" } } },
    { one: 2, two: 1, all: 2 },
  ],
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
    { one: 1, two: 1, all: 2 },
  ],
  [
    "a preset that no route shows",
    {
      PRESETS: { one: { width: 1 }, two: { width: 2 } },
      ROUTES: [{ ...IMAGES, presets: ["two"] }],
    },
    { two: 1 },
  ],
])("what an object costs: %s (L2)", async (_what, change, expected) => {
  const { pictures } = await sheetOf({ ROUTES: [IMAGES], ...change });
  const { presets, all } = pictures[0]?.costs ?? expect.unreachable();
  const sum = Object.values(presets).reduce((total, count) => total + count, 0);
  expect({ all, ...presets }).toEqual({ all: sum, ...expected });
});

test("a bucket of the Images binding shows the calls of the binding (B2, B7)", async () => {
  const media = { ...VARS.BUCKETS.media, engine: "binding" };
  const { images } = stage.edge;
  const { asked } = await sheetOf({ ROUTES: [IMAGES], BUCKETS: { media }, IMAGES: images });
  const calls = asked[0]?.["card"]?.["card@2x"]?.["webp"] ?? expect.unreachable();
  expect(calls).toEqual([
    {
      binding: expect.stringMatching(
        /^IMAGES\.input\(original\)\n {2}\.transform\(\{.*\}\)\n {2}\.output\(\{"format":"image\/webp".*\}\)$/,
      ),
    },
  ]);
});

test("the Images binding tells facts for nothing (L2)", async () => {
  const media = { ...VARS.BUCKETS.media, engine: "binding" };
  const { pictures } = await sheetOf({
    ...{ BUCKETS: { media }, IMAGES: stage.edge.images },
    ...{ ROUTES: [{ ...IMAGES, facts: true }], PRESETS: { one: { width: 1 } } },
  });
  expect(pictures[0]?.costs).toEqual({ all: 1, presets: { one: 1 } });
});

test("what the edge is asked depends on the browser, and on the route (O6, O8, R8)", async () => {
  const routes = [IMAGES, { path: "/icons/:preset/*", object: "media/*", svg: true }];
  const { asked } = await sheetOf({ ROUTES: routes });
  const formats = (route: number, preset: string, variant: string) => {
    const of = asked[route]?.[preset]?.[variant] ?? expect.unreachable();
    const read = (call: Call) => {
      const image = "image" in call ? call.image : expect.unreachable();
      const format = "format" in image ? image.format : "none";
      return `${format}${call.when === undefined ? "" : ` ${call.when}`}`;
    };
    return Object.fromEntries(Object.entries(of).map(([reads, calls]) => [reads, calls.map(read)]));
  };
  const moving = ["webp of a GIF", "webp of a JPEG or another original"];
  expect(formats(0, "card", "card@2x")).toEqual({
    ...{ "avif.webp": ["avif"], avif: ["avif"], webp: ["webp"], plain: ["none"] },
  });
  expect(formats(0, "hero", "hero")["avif.webp"]).toEqual(["webp"]);
  expect(formats(0, "moving", "moving")["avif.webp"]).toEqual(moving);
  expect(formats(1, "card", "card")["avif.webp"]).toEqual(["none"]);
});

test("a URL asks for what changed only while the browser may keep what was there before", async () => {
  const before = noteChanges({}, settingsOf(VARS), NOW);
  const PRESETS = { ...VARS.PRESETS, card: { width: 161 } };
  const seen = noteChanges(before, settingsOf({ ...VARS, PRESETS }), NOW + 1);
  // Nothing changes by looking again.
  expect(noteChanges(seen, settingsOf({ ...VARS, PRESETS }), NOW + 2)).toEqual(seen);
  const queries = async (now: number, change: Vars, known = KNOWN) => {
    const { pictures } = await sheetOf(change, known, now, seen);
    const list = pictures[0]?.renditions.map(({ preset, query }) => [preset, query]) ?? [];
    return Object.fromEntries(list.filter(([, query]) => query !== undefined));
  };
  const at = `?at=${NOW + 1}`;
  expect(await queries(NOW + 1, { PRESETS })).toEqual({ card: at });
  // ANSWERS.max_age is 600 s.
  expect(await queries(NOW + 600_000, { PRESETS })).toEqual({ card: at });
  expect(await queries(NOW + 600_001, { PRESETS })).toEqual({});
  // An image that was replaced after that.
  const replaced = await queries(NOW + 5, { PRESETS }, { ...KNOWN, at: NOW + 3 });
  expect(new Set(Object.values(replaced))).toEqual(new Set([`?at=${NOW + 3}`]));
  // A route that leads elsewhere.
  const ROUTES = [{ ...IMAGES, svg: true }];
  const moved = noteChanges(seen, settingsOf({ ...VARS, PRESETS, ROUTES }), NOW + 7);
  const { pictures } = await sheetOf({ PRESETS, ROUTES }, KNOWN, NOW + 7, moved);
  expect(pictures[0]?.renditions.map(({ query }) => query)).toEqual(
    Object.keys(PRESETS).map(() => `?at=${NOW + 7}`),
  );
});
