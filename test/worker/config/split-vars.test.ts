// ROUTES_2 stands behind ROUTES, and PRESETS_2 beside PRESETS: a Worker serves both as it serves one whole variable.

import { expect, test } from "vitest";
import { generateAppFile } from "../../../src/cli/app-file/generate.ts";
import { hashConfig } from "../../../src/worker/cache/config-hashes.ts";
import { hashVars } from "../../../src/worker/config/hash-vars.ts";
import { configOf, mistakesOf } from "../../support/config-of.ts";
import { ENV, VARS } from "../../support/env.ts";

const { media } = VARS.BUCKETS;
const PRESET_ENTRIES = Object.entries(VARS.PRESETS);
const CARD = { width: 160 };
const ROUTE = { path: "/images/:preset/*", object: "media/*" };
const OTHER_ROUTE = { path: "/others/:preset/*", object: "media/*" };
const LOGIN = "https://login.example";
const TOKEN = { issuer: LOGIN, keys: `${LOGIN}/keys`, audience: "images" };

/** The routes and presets of the tests, of which only the first ones stand in the first variables. */
const splitAfter = (routeCount: number, presetCount: number) => ({
  ROUTES: VARS.ROUTES.slice(0, routeCount),
  ROUTES_2: VARS.ROUTES.slice(routeCount),
  PRESETS: Object.fromEntries(PRESET_ENTRIES.slice(0, presetCount)),
  PRESETS_2: Object.fromEntries(PRESET_ENTRIES.slice(presetCount)),
});

const asText = (vars: object) =>
  Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, JSON.stringify(value)]));

test.each<[where: string, split: object]>([
  ["behind the first of each", splitAfter(1, 1)],
  ["before the last of each", splitAfter(VARS.ROUTES.length - 1, PRESET_ENTRIES.length - 1)],
  ["with nothing behind", splitAfter(VARS.ROUTES.length, PRESET_ENTRIES.length)],
  ["as the texts of a .dev.vars", asText(splitAfter(2, 3))],
])("split %s, a configuration is what it was (L4, S2)", async (_where, split) => {
  const whole = configOf();
  const config = configOf(split);

  const withoutOptions = ({ routes }: typeof whole) =>
    routes.map(({ option: _option, ...route }) => route);
  expect(withoutOptions(config)).toEqual(withoutOptions(whole));
  expect([...config.variants]).toEqual([...whole.variants]);

  // /healthz, the plan of a deploy and an app see no change.
  const vars = { ...ENV, ...split };
  expect(await hashVars(vars)).toBe(await hashVars(ENV));
  expect(await hashConfig(config, vars)).toEqual(await hashConfig(whole, ENV));
  expect(generateAppFile(config, vars, "https://images.example")).toEqual(
    generateAppFile(whole, ENV, "https://images.example"),
  );
});

test("what changes in the second variable changes the hash of the configuration (L4)", async () => {
  const split = splitAfter(2, 2);
  const hash = await hashVars({ ...ENV, ...split });
  for (const change of [
    { ROUTES_2: [...split.ROUTES_2, OTHER_ROUTE] },
    { ROUTES_2: split.ROUTES_2.toReversed() },
    { PRESETS_2: { ...split.PRESETS_2, small: { width: 20 } } },
  ]) {
    expect(await hashVars({ ...ENV, ...split, ...change })).not.toBe(hash);
  }
});

test.each<{ title: string; vars: object; mistakes: readonly string[] }>([
  {
    title: "an option of a route and of a preset",
    vars: {
      ROUTES_2: [OTHER_ROUTE, { path: "/b/:preset/*", object: "medai/*", answers: { keep: -1 } }],
      PRESETS_2: { small: { widht: 20 } },
    },
    mistakes: [
      "PRESETS_2.small.widht: unknown option. Did you mean width?",
      "PRESETS_2.small: needs width or height",
      "ROUTES_2[1].answers.keep: -1 is not a whole number between 0 and 31536000: it is in seconds",
      'ROUTES_2[1].object: "medai" is not in BUCKETS',
    ],
  },
  {
    title: "a path of the first variable",
    vars: { ROUTES: [ROUTE], ROUTES_2: [{ ...ROUTE, path: "/images/:preset/:id" }, ROUTE] },
    mistakes: [
      "ROUTES_2[0].object: * is not in path",
      "ROUTES_2[1].path: takes the same URLs as /images/:preset/* before it: it is never reached",
    ],
  },
  {
    title: "a name of the first variable",
    vars: { PRESETS_2: { card: { width: 20, dpr: 9 }, small: CARD } },
    mistakes: [
      "PRESETS_2.card.dpr: is not a list, or is empty",
      "PRESETS_2.card: is in PRESETS, too: rename one of the two, or take one out",
    ],
  },
  {
    title: "no first variable",
    vars: {
      ROUTES: undefined,
      PRESETS: undefined,
      ROUTES_2: [{ ...ROUTE, signed: 1 }],
      PRESETS_2: { card: { width: 0 } },
    },
    mistakes: [
      "PRESETS_2: stands beside PRESETS, which is missing: rename it to PRESETS",
      "PRESETS_2.card.width: 0 is not a whole number between 1 and 12000",
      "ROUTES_2: stands behind ROUTES, which is missing: rename it to ROUTES",
      "ROUTES_2[0].signed: 1 is not true or false, without quotes",
    ],
  },
  {
    title: "an empty first variable",
    vars: { ROUTES: [], PRESETS: {}, ROUTES_2: [OTHER_ROUTE], PRESETS_2: { small: CARD } },
    mistakes: ["PRESETS: is not a table, or is empty", "ROUTES: is not a list, or is empty"],
  },
  {
    title: "something else",
    vars: { ROUTES_2: ROUTE, PRESETS_2: "{" },
    mistakes: ["PRESETS_2: is not JSON", "ROUTES_2: is not a list, or is empty"],
  },
  {
    title: "null",
    vars: { ROUTES_2: null, PRESETS_2: null },
    mistakes: ["PRESETS_2: is not a table, or is empty", "ROUTES_2: is not a list, or is empty"],
  },
  {
    title: "a signed route without its keys, beside another mistake",
    vars: {
      ROUTES: [ROUTE],
      ROUTES_2: [{ ...OTHER_ROUTE, signed: true, cors: 1 }],
      URL_SIGNING_KEYS: undefined,
    },
    mistakes: [
      "ROUTES_2[0].cors: 1 is not true or false, without quotes",
      "URL_SIGNING_KEYS: is missing: set the secret, and list it under [secrets]",
    ],
  },
  {
    title: "an option that the engine of a route's bucket lacks",
    vars: {
      BUCKETS: { media, far: { ...media, bucket: "far", engine: "binding" } },
      IMAGES: { input() {}, info() {} },
      ROUTES: [ROUTE],
      ROUTES_2: [{ path: "/far/:preset/*", object: "far/*", presets: ["close"] }],
      PRESETS_2: { close: { width: 20, zoom: 0.5 } },
    },
    mistakes: [
      'PRESETS_2.close.zoom: bucket far has engine "binding", which has no zoom: remove it, or leave the preset out of the bucket\'s routes',
    ],
  },
  {
    title: "an open route to what a token guards in the first",
    vars: {
      ROUTES: [{ path: "/mine/:preset/*", object: "media/*", token: TOKEN }],
      ROUTES_2: [OTHER_ROUTE],
    },
    mistakes: [
      "ROUTES[0].token: an object such as published/x is also shown by ROUTES_2[0] (/others/:preset/*), which needs no token: let both lead to prefixes or buckets of their own, or give that route a token, too",
    ],
  },
])(
  "in ROUTES_2 or PRESETS_2, a mistake is told with its place: $title (L4)",
  ({ vars, mistakes }) => {
    expect(mistakesOf(vars)).toEqual(mistakes);
  },
);
