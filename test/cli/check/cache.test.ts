// What `vitrine check` says of [cache] and [exports], at the top level and in environments.

import { describe, expect, test } from "vitest";
import { CACHED, makeProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { VARS } from "../../support/env.ts";

const { cache: CACHE, exports: EXPORTS } = CACHED;
const { default: GATEWAY, Renditions } = EXPORTS;
const { env: ENVIRONMENTS, cache: _cache, exports: _exports, ...BARE } = STAGED;
const { staging } = ENVIRONMENTS;

const worker = (enabled: boolean) => ({ type: "worker", cache: { enabled } });
const keeps = (keep: number) => ({ vars: { ...VARS, ANSWERS: { keep } } });

async function check(config: Readonly<Record<string, unknown>>, file?: string) {
  const { code, out, err } = await vitrine(["check"], { folder: makeProject(config, file) });
  // The configuration of the tests has other warnings.
  const lines = err.split("\n").filter((line) => line !== "" && !line.includes(" signature "));
  return { code, out, lines };
}

const HEAD = "The configuration has mistakes:";
const REASON = /a cache in front of it answers without asking the Worker, so an expired signed URL/;
const REMEDY = /: set it to false, and exports\.default\.type to "worker"/;

describe("a cache in front of the default entrypoint is a mistake (W1, W2):", () => {
  test.each<[what: string, changed: object, state: RegExp]>([
    ["it is on for all, and nothing switches it off", { cache: CACHE }, /is missing: /],
    [
      "only Renditions says something",
      { cache: CACHE, exports: { Renditions } },
      /cache\.enabled: is missing: /,
    ],
    [
      "it does not say whether it is cached",
      { cache: CACHE, exports: { default: { type: "worker" } } },
      /is missing: /,
    ],
    ["it is on there", { cache: CACHE, exports: { default: worker(true), Renditions } }, /is true/],
    [
      "it is on there, although it is off for all",
      { cache: { enabled: false }, exports: { default: worker(true) } },
      /is true: /,
    ],
    ["it is on there, and there is no [cache]", { exports: { default: worker(true) } }, /is true/],
    [
      "nothing is to be kept at all",
      { cache: CACHE, exports: { default: worker(true) }, ...keeps(0) },
      /is true: /,
    ],
  ])("%s", async (_what, changed, state) => {
    const { code, out, lines } = await check({ ...BARE, ...changed });
    expect([code, out, lines.length]).toEqual([2, "", 2]);
    const [head, mistake = ""] = lines;
    expect(head).toBe(HEAD);
    expect(mistake).toMatch(/^ {2}exports\.default\.cache\.enabled: is /);
    for (const part of [state, REASON, REMEDY]) expect(mistake).toMatch(part);
    expect(mistake).not.toContain("environment");
  });

  test("an environment whose exports replace those of the top level", async () => {
    const env = { staging: { ...staging, exports: { Renditions } } };
    const { code, lines } = await check({ ...STAGED, env });
    expect(code).toBe(2);
    expect(lines).toEqual([
      HEAD,
      expect.stringMatching(/^ {2}env\.staging: exports\.default\.cache\.enabled: is missing: /),
    ]);
    expect(lines[1]).toMatch(/\. The exports of an environment replace all of the top level$/);
  });

  test("an environment that switches the cache on, where the top level has none", async () => {
    const env = { staging: { ...staging, cache: CACHE } };
    const { code, lines } = await check({ ...BARE, ...keeps(0), env });
    expect(code).toBe(2);
    expect(lines).toEqual([
      HEAD,
      expect.stringMatching(/^ {2}env\.staging: exports\.default\.cache\.enabled: is missing: /),
    ]);
  });
});

test("entrypoints that the Worker does not have are mistakes: a typo would switch nothing (W1)", async () => {
  const { default: _, ...others } = EXPORTS;
  const { code, lines } = await check({
    ...{ ...BARE, cache: CACHE },
    exports: { Default: GATEWAY, Rendition: Renditions, "a b": GATEWAY, ...others },
  });
  expect(code).toBe(2);
  expect(lines).toEqual([
    HEAD,
    ...["Default", "Rendition", "a b"].map(
      (name) => `  exports.${name}: is no entrypoint of the Worker: it has default and Renditions`,
    ),
    expect.stringMatching(/^ {2}exports\.default\.cache\.enabled: is missing/),
  ]);
});

test("an entrypoint of another kind is a mistake, and switches nothing off (W1)", async () => {
  const other = { type: "workflow", cache: { enabled: false } };
  const exports = { default: { ...other, name: "a" }, Renditions: { ...other, name: "b" } };
  const { lines } = await check({ ...BARE, cache: CACHE, exports });
  expect(lines).toEqual([
    HEAD,
    '  exports.default.type: is not "worker"',
    '  exports.Renditions.type: is not "worker"',
    expect.stringMatching(/^ {2}exports\.default\.cache\.enabled: is missing/),
  ]);
});

/** Forms that wrangler itself refuses, and a part of what it says. */
const REFUSED: readonly (readonly [changed: object, says: RegExp])[] = [
  [{ cache: true }, /"cache" should be an object but got true\.$/],
  [{ cache: {} }, /"cache\.enabled" is a required field\.$/],
  [{ cache: [] }, /"cache\.enabled" is a required field\.$/],
  [
    { cache: { enabled: "yes" } },
    /Expected "cache\.enabled" to be of type boolean but got "yes"\.$/,
  ],
  [
    { cache: { enabled: true, cross_version_cache: "true" } },
    /"cache\.cross_version_cache" to be of type boolean/,
  ],
  [{ exports: "default" }, /"exports" field should be an object keyed by class name/],
  [{ exports: { default: false } }, /"exports\.default" should be an object but got false\.$/],
  [{ exports: { default: { cache: CACHE } } }, /"exports\.default\.type" must be .*"worker"/],
  [
    { exports: { default: { type: "workr" } } },
    /"exports\.default\.type" must be .* got "workr"\.$/,
  ],
  [
    { exports: { default: { type: "worker", cache: false } } },
    /"exports\.default\.cache" should be an object but got false\.$/,
  ],
  [
    { exports: { Renditions: { type: "worker", cache: {} } } },
    /"exports\.Renditions\.cache\.enabled" is a required field\.$/,
  ],
];

test.each(REFUSED)("wrangler refuses %j, and its words come on one line", async (changed, says) => {
  const top = await check({ ...BARE, ...changed });
  expect(top).toMatchObject({ code: 2, out: "" });
  expect(top.lines).toEqual([HEAD, expect.stringMatching(/^ {2}wrangler\.toml: \S/)]);
  expect(top.lines[1]).toMatch(says);
  const env = { staging: { ...staging, ...changed } };
  const { lines } = await check({ ...STAGED, env }, "wrangler.jsonc");
  expect(lines).toEqual([HEAD, expect.stringMatching(/^ {2}env\.staging: wrangler\.jsonc: \S/)]);
  expect(lines[1]).toMatch(says);
});

const OFF = /^Warning: the cache for Renditions is off: .*docs\/cache\.md shows, or keep = 0/;
const EMPTIED = /^Warning: cache\.cross_version_cache is not true: every deploy and every wrangler/;
const EARLY = /^Warning: compatibility_date is 2025-11-16, before 2025-11-17: .* nothing is kept: /;

test.each<[what: string, changed: object, warning: RegExp]>([
  ["off: there is no [cache] (W1)", { cache: undefined }, OFF],
  ["off: it is off for all (W1)", { cache: { enabled: false, cross_version_cache: true } }, OFF],
  [
    "off: it is off for all, and on for one (W1)",
    { cache: { enabled: false }, exports: EXPORTS },
    OFF,
  ],
  [
    "off: it is off for Renditions (W1)",
    { exports: { default: GATEWAY, Renditions: worker(false) } },
    OFF,
  ],
  ["emptied by each deploy (W4)", { cache: { enabled: true } }, EMPTIED],
  [
    "emptied by each deploy, as it says (W4)",
    { cache: { enabled: true, cross_version_cache: false } },
    EMPTIED,
  ],
  [
    "emptied, with its key misspelt (W4)",
    { cache: { enabled: true, cross_version: true } },
    EMPTIED,
  ],
  ["out of reach (W15)", { compatibility_date: "2025-11-16" }, EARLY],
])("vitrine check warns of a cache that is %s", async (_what, changed, warning) => {
  const config = Object.fromEntries(
    Object.entries({ ...BARE, ...CACHED, ...changed }).filter(([, value]) => value !== undefined),
  );
  const warned = await check(config);
  expect([warned.code, warned.lines]).toEqual([0, [expect.stringMatching(warning)]]);
  // Where nothing is to be kept, nothing is missing.
  const off = await check({ ...config, ...keeps(0) });
  expect([off.code, off.lines]).toEqual([0, []]);
});

test.each<[what: string, changed: object]>([
  ["as it is shipped", CACHED],
  ["on for all but the gateway", { cache: CACHE, exports: { default: GATEWAY } }],
  [
    "by the date from which it can be reached (W15)",
    { ...CACHED, compatibility_date: "2025-11-17" },
  ],
  [
    "by a flag that lets it be reached (W15)",
    {
      ...{ ...CACHED, compatibility_date: "2025-11-01" },
      compatibility_flags: ["enable_ctx_exports"],
    },
  ],
  ["for a year", { ...CACHED, ...keeps(31_536_000) }],
])("vitrine check says nothing of a cache that is on: %s", async (_what, changed) => {
  expect(await check({ ...BARE, ...changed })).toMatchObject({ code: 0, lines: [] });
});

test("an environment inherits both tables, and each that it writes itself replaces the whole (S6, W4)", async () => {
  const of = async (changed: object, top: object = STAGED) =>
    check({ ...top, env: { staging: { ...staging, ...changed } } });
  expect(await of({})).toMatchObject({ code: 0, lines: [] });
  const emptied = await of({ cache: { enabled: true } });
  expect(emptied.code).toBe(0);
  expect(emptied.lines).toEqual([
    expect.stringMatching(/^Warning: env\.staging: cache\.cross_vers/),
  ]);
  const off = await of({ cache: { enabled: false } });
  expect(off.lines).toEqual([
    expect.stringMatching(/^Warning: env\.staging: the cache for Renditio/),
  ]);
  const without = await of({ exports: { default: GATEWAY, Renditions: worker(false) } });
  expect(without.lines).toEqual([expect.stringMatching(/^Warning: env\.staging: the cache for /)]);
  const own = await of(CACHED, { ...BARE, ...keeps(0) });
  expect(own).toMatchObject({ code: 0, lines: [] });
});
