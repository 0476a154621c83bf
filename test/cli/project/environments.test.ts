// Which environment of which file a command reads.

import { describe, expect, test } from "vitest";
import { readVars } from "../../../src/cli/project/vars.ts";
import { HOST, makeProject, STAGED, STAGING } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";

const FILES = ["wrangler.toml", "wrangler.jsonc", "wrangler.json"];
const CLOUDFLARE_ENV = "staging";

describe.each(FILES)("in %s", (file) => {
  const folder = makeProject(STAGED, file);
  const urlOf = async (args: readonly string[], env = {}) => {
    const given = ["url", "a.jpg", "--preset", "plain", "--route", "/images/:preset/*", ...args];
    const { out, err } = await vitrine(given, { folder, env });
    return out + err;
  };

  test("--env chooses an environment, else CLOUDFLARE_ENV, else it is the top level (S6, D3)", async () => {
    const path = "/images/plain/a.jpg\n";
    expect(await urlOf([])).toBe(HOST + path);
    expect(await urlOf([], { CLOUDFLARE_ENV: "" })).toBe(HOST + path);
    expect(await urlOf(["--env", "staging"])).toBe(STAGING + path);
    expect(await urlOf([], { CLOUDFLARE_ENV })).toBe(STAGING + path);
    expect(await urlOf(["--env", "staging"], { CLOUDFLARE_ENV: "none" })).toBe(STAGING + path);
    expect(await urlOf(["--env="], { CLOUDFLARE_ENV })).toBe(HOST + path);
  });

  test("an unknown environment is refused, with those that there are (S6)", async () => {
    for (const name of ["stagin", "constructor", "__proto__"]) {
      const text = `The configuration has mistakes:\n  ${file}: has no environment "${name}". It has staging\n`;
      expect(await urlOf(["--env", name])).toBe(text);
      expect(await urlOf([], { CLOUDFLARE_ENV: name })).toBe(text);
    }
  });
});

test.each<[args: string[]]>([
  [["check"]],
  [["doctor"]],
  [["client", "none.ts"]],
  [["url", "a.jpg"]],
  [["sign", "a.jpg"]],
  [["explain", "/images/card/a.jpg"]],
  [["rotate", "--dry-run"]],
  [["purge", "a.jpg"]],
  [["warm"]],
])("vitrine %j knows environments (S6)", async (args) => {
  const folder = makeProject(STAGED);
  const said = 'has no environment "other". It has staging';
  const byOption = await vitrine([...args, "--env", "other"], { folder });
  expect(byOption.out + byOption.err).toContain(said);
  const byEnv = await vitrine(args, { folder, env: { CLOUDFLARE_ENV: "other" } });
  expect(byEnv.out + byEnv.err).toContain(said);
});

test("without environments wrangler would take the top level: here it is refused (S6)", async () => {
  const { env: _env, ...plain } = STAGED;
  expect(readVars(makeProject(plain), "staging")).toMatchObject({
    fault: 'wrangler.toml: has no environment "staging". It has none',
  });
});

test("an environment whose name cannot be part of a file's name is refused", () => {
  const folder = makeProject({ ...STAGED, env: { "../x": STAGED.env.staging } });
  expect(readVars(folder, "../x")).toMatchObject({
    fault: "wrangler.toml: env.../x: is not a name of letters, digits, - and _",
  });
});

test("the process's own CLOUDFLARE_ENV chooses nothing by itself (S6)", () => {
  const before = process.env["CLOUDFLARE_ENV"];
  process.env["CLOUDFLARE_ENV"] = CLOUDFLARE_ENV;
  try {
    expect(readVars(makeProject(STAGED))).toMatchObject({
      environment: undefined,
      worker: "vitrine",
    });
  } finally {
    if (before === undefined) delete process.env["CLOUDFLARE_ENV"];
    else process.env["CLOUDFLARE_ENV"] = before;
  }
});

test("two configuration files are refused, for wrangler would ignore one", async () => {
  const folder = makeProject(STAGED, "wrangler.jsonc", { "wrangler.toml": "" });
  const { code, err } = await vitrine(["url", "a.jpg"], { folder });
  expect([code, err]).toEqual([
    2,
    "wrangler reads wrangler.jsonc and ignores wrangler.toml: remove one of them\n",
  ]);
});

test("a wrangler.jsonc that cannot be read is told by its line", async () => {
  const folder = makeProject({}, "wrangler.jsonc", { "wrangler.jsonc": '{\n  "name": }' });
  const { code, err } = await vitrine(["url", "a.jpg"], { folder });
  expect(code).toBe(2);
  expect(err).toMatch(/^The configuration has mistakes:\n {2}wrangler\.jsonc:2:\d+: /);
});

test("the secrets of the local run come from .dev.vars.staging, else from .dev.vars, never from both (S6)", () => {
  const files = { ".dev.vars": "HEALTH_TOKEN=all\nAWS_ACCESS_KEY_ID=all" };
  const own = { ...files, ".dev.vars.staging": "HEALTH_TOKEN=staging" };
  const staging = readVars(makeProject(STAGED, "wrangler.toml", own), "staging");
  expect(staging).toMatchObject({
    devVars: ".dev.vars.staging",
    started: expect.objectContaining({ HEALTH_TOKEN: "staging" }),
  });
  expect(staging).not.toHaveProperty("started.AWS_ACCESS_KEY_ID");
  for (const one of [
    readVars(makeProject(STAGED, "wrangler.toml", own)),
    readVars(makeProject(STAGED, "wrangler.toml", files), "staging"),
  ]) {
    expect(one).toMatchObject({
      devVars: ".dev.vars",
      started: expect.objectContaining({ HEALTH_TOKEN: "all", AWS_ACCESS_KEY_ID: "all" }),
    });
  }
});
