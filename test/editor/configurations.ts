// Random configurations, right ones and such with mistakes, and the differences between the Worker and the schema.

import fc from "fast-check";
import { readExpectedCosts } from "../../src/cli/config/expected-costs.ts";
import { readConfig } from "../../src/worker/config/config.ts";
import { isRefusal } from "../../src/worker/http/refusal.ts";
import { SECRETS, VARS } from "../support/env.ts";
import { RANGES } from "../support/tables/ranges.ts";

type Table = Record<string, unknown>;

const R2 = { get() {}, head() {}, list() {}, put() {}, delete() {} };

/** What a deploy has beside the vars: no schema of the vars judges it. */
const BINDINGS = {
  ...SECRETS,
  IMAGES: { input() {}, info() {} },
  MEDIA: R2,
  RENDITIONS: { ...R2 },
};

const issuer = "https://login.example.com/";
const token = { issuer, audience: "app", keys: "https://login.example.com/jwks" };

/** Every option is somewhere in it. It has no mistake. */
export const RIGHT: Table = {
  BUCKETS: {
    media: {
      ...VARS.BUCKETS.media,
      ...{ addressing: "virtual", canary: "a.jpg", credentials: "AWS" },
      ...{ engine: "cf", source_parameter: true },
    },
    users: { ...VARS.BUCKETS.media, prefix: "users/" },
    r2: { binding: "MEDIA", bucket: "acme-r2", prefix: "a/", canary: "b.jpg", engine: "binding" },
  },
  ROUTES: [
    { path: "/images/:preset/*", object: ["media/*", "r2/*"], presets: ["card"], facts: true },
    { path: "/icons/:preset/*", object: "media/icons/*", svg: true, fallback: "media/no.png" },
    {
      ...{ path: "/private/:preset/*", object: "media/p/*", signed: true, cookie: true },
      ...{ max_age: 86_400, origins: ["https://app.example"], store: false },
      answers: { keep: 1, stale: 2, stale_if_error: 3, max_age: 4, immutable: true },
    },
  ],
  ROUTES_2: [
    {
      ...{ path: "/users/:user/:preset", object: "users/:user/a.png", cors: false },
      token: { ...token, cookie: "pictures", claims: { sub: ":user", org: ["acme", "b"] } },
    },
  ],
  PRESETS: {
    card: { width: 480, dpr: [1, 1.5, 2] },
  },
  PRESETS_2: {
    hero: { width: 1920, widths: [640, 960], quality: 80 },
  },
  ANSWERS: {
    ...{ max_age: 60, keep: 0, stale: 1, stale_if_error: 2, store: "RENDITIONS", timeout: 15 },
  },
  COSTS: { most: 90, objects: { media: 10_000 } },
};

/** Values for any setting. */
const VALUES: readonly unknown[] = [
  ...["", " ", "a", "media/*", "media", "/a/:preset/*", "*", "a/", "../a", "cf", "AWS", "ü"],
  ...["https://a.example", "http://a.example", "HTTPS://A.example/", "https://a.example/x?y"],
  ...["https://a.example:443", "https://a.example/../b", "http://localhost:1/", "a..b", "binding"],
  ...["arn:aws:iam::1:role/a", "{", "{}", "[]", '{"a":1}', "true", "1", "card", ":user", "path"],
  ...[0, 1, -1, 0.5, 1.5, 2, 61, 100, 12_001, 31_536_001, 1e13, true, false, null],
  ...[[], [1], ["a"], ["card"], [null], {}, { a: 1 }, { x: 0.5 }, { width: 1 }, [{}], [[]]],
  token,
  [token, token],
];

/** A preset with options of the table of ranges, of which any may be wrong. */
const preset = fc
  .array(
    fc.constantFrom(...Object.entries(RANGES)).chain(([option, { valid, invalid }]) => {
      // JSON has neither of them.
      const values = [...valid, ...valid, ...invalid].filter((value) => !isNoJson(value));
      return fc.constantFrom(...values).map((value) => [option, value] as const);
    }),
    { maxLength: 4 },
  )
  .map((options) => ({ width: 100, ...Object.fromEntries(options) }));

const isNoJson = (value: unknown) => typeof value === "number" && !Number.isFinite(value);

/** A change at some setting: the numbers choose it, and what happens to it. */
const change = fc.record({
  at: fc.array(fc.nat(), { minLength: 1, maxLength: 5 }),
  kind: fc.constantFrom("replace", "remove", "misspell", "add", "stringify"),
  value: fc.constantFrom(...VALUES),
});

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** Nine of ten have one change or two, and every third has a preset of many options. */
export const configurations = fc
  .record({
    changes: fc.array(change, { maxLength: 2 }),
    preset: fc.option(preset, { freq: 1, nil: undefined }),
  })
  .map(({ changes, preset: options }) => {
    const vars: Table = structuredClone(RIGHT);
    if (options !== undefined) Object.assign(vars["PRESETS"] as Table, { other: options });
    for (const one of changes) apply(vars, one);
    return vars;
  });

function apply(vars: Table, { at, kind, value }: Change): void {
  let parent: Table = vars;
  let key = "";

  for (const index of at) {
    // The walk goes down while there is a table or a list.
    const inner = key === "" ? vars : parent[key];
    if (!isTableOrList(inner)) break;

    const keys = Object.keys(inner);
    const next = keys[index % keys.length];
    if (next === undefined) break;
    parent = inner;
    key = next;
  }

  const old = parent[key];
  if (kind === "replace") parent[key] = structuredClone(value);
  if (kind === "stringify") parent[key] = JSON.stringify(old) ?? "";
  if (kind === "add" && !Array.isArray(parent)) parent["unknown"] = value;
  if ((kind === "remove" || kind === "misspell") && !Array.isArray(parent)) delete parent[key];
  if (kind === "misspell" && !Array.isArray(parent)) parent[`${key}x`] = old;
}

function isTableOrList(value: unknown): value is Table {
  return typeof value === "object" && value !== null;
}

/** Returns what the Worker and `npx vitrine check` say of the vars: a line for each mistake. */
export function mistakesOf(vars: Table): string[] {
  const config = readConfig({ ...BINDINGS, ...vars });
  const mistakes = isRefusal(config) ? config.mistakes : [];
  const lines = mistakes.map(({ path, message }) => `${path}: ${message}`);

  readExpectedCosts(vars, (path, message) => lines.push(`${path}: ${message}`));
  return lines;
}
