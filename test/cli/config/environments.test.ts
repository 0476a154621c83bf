// Which environment of which file a command reads.

import { describe, expect, onTestFinished, test, vi } from "vitest";
import { readEnvironment } from "../../../src/cli/config/environment-config.ts";
import { HOST, makeProject, STAGED, STAGING } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { HEALTH_TOKEN, PURGE_TOKEN, VARS } from "../../support/env.ts";

const FILES = ["wrangler.toml", "wrangler.jsonc", "wrangler.json"];
const CLOUDFLARE_ENV = "staging";

describe.each(FILES)("in %s", (file) => {
  const folder = makeProject(STAGED, file);
  const urlOf = async (args: readonly string[], env = {}) => {
    const given = ["url", "a.jpg", "--preset", "plain", ...args];
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
  [["rotate"]],
  [["purge", "a.jpg"]],
  [["warm", "-"]],
])("vitrine %j knows environments (S6)", async (args) => {
  const folder = makeProject(STAGED);
  const said = 'has no environment "other". It has staging';
  const byOption = await vitrine([...args, "--env", "other"], { folder });
  expect(byOption.out + byOption.err).toContain(said);
  const byEnv = await vitrine(args, { folder, env: { CLOUDFLARE_ENV: "other" } });
  expect(byEnv.out + byEnv.err).toContain(said);
});

test.each(["example", "../prod"])(
  "env.%s is refused: its secrets would be in a file that git has, or elsewhere",
  async (name) => {
    const folder = makeProject({ ...STAGED, env: { [name]: {} } });
    const { code, err } = await vitrine(["url", "a.jpg", "--env", name], { folder });
    expect([code, err]).toEqual([2, expect.stringMatching(/is no name of letters/)]);
  },
);

test("without environments --env is refused, where wrangler takes the top level (S6)", async () => {
  const folder = makeProject({ ...STAGED, env: {} });
  const { code, err } = await vitrine(["url", "a.jpg", "--env=staging"], { folder });
  expect([code, err]).toEqual([
    2,
    expect.stringContaining('no environment "staging". It has none'),
  ]);
});

test("the process's own CLOUDFLARE_ENV chooses nothing by itself (S6)", async () => {
  vi.stubEnv("CLOUDFLARE_ENV", "staging");
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(readEnvironment(makeProject(STAGED))).toMatchObject({ worker: "vitrine" });
});

test.each<[what: string, file: string, files: Record<string, string>, says: RegExp]>([
  [
    "two, of which wrangler would ignore one",
    "wrangler.jsonc",
    { "wrangler.toml": "" },
    /^wrangler reads wrangler\.jsonc and ignores wrangler\.toml: remove one of them\n$/,
  ],
  [
    "one that cannot be read, with its line",
    "wrangler.jsonc",
    { "wrangler.jsonc": '{\n  "name": }' },
    /^The configuration has mistakes:\n {2}wrangler\.jsonc:2:\d+: /,
  ],
  ["a program alone", "cloudflare.config.ts", {}, /^vitrine cannot read cloudflare\.config\.ts/],
  [
    "a program beside it",
    "wrangler.toml",
    { "cloudflare.config.ts": "export default {};" },
    /ignores cloudflare\.config\.ts: remove/,
  ],
])("a configuration file is refused: %s", async (_what, file, files, says) => {
  const folder = makeProject(STAGED, file, files);
  const { code, err } = await vitrine(["url", "a.jpg"], { folder });
  expect([code, err]).toEqual([2, expect.stringMatching(says)]);
});

test("the secrets of the local run come from .dev.vars.staging, else from .dev.vars, never from both (S6)", () => {
  const files = { ".dev.vars": "HEALTH_TOKEN=all\nAWS_ACCESS_KEY_ID=all" };
  const folder = makeProject(STAGED, "wrangler.toml", files);
  const own = { ...files, ".dev.vars.staging": "HEALTH_TOKEN=staging" };
  const both = makeProject(STAGED, "wrangler.toml", own);
  const all = { ...VARS, HEALTH_TOKEN: "all", AWS_ACCESS_KEY_ID: "all" };
  expect(readEnvironment(folder)).toMatchObject({ devVars: ".dev.vars", started: all });
  expect(readEnvironment(both)).toMatchObject({ devVars: ".dev.vars", started: all });
  const staging = readEnvironment(both, "staging");
  expect(staging).toMatchObject({ devVars: ".dev.vars.staging" });
  expect(staging).toMatchObject({ started: { HEALTH_TOKEN: "staging" } });
  expect(staging).not.toHaveProperty("started.AWS_ACCESS_KEY_ID");
});

test("beside a .dev.vars, .env is not read (S4)", () => {
  const files = { ".dev.vars": "HEALTH_TOKEN=all", ".env": "PURGE_TOKEN=env\nHEALTH_TOKEN=env" };
  const known = readEnvironment(makeProject(STAGED, "wrangler.toml", files));
  expect(known).toMatchObject({ started: { HEALTH_TOKEN: "all" } });
  expect(known).not.toHaveProperty("started.PURGE_TOKEN");
});

test("without a .dev.vars, nothing of the shell and of .env is taken for one: the local run would not read them", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE");
  vi.stubEnv("CLOUDFLARE_INCLUDE_PROCESS_ENV", "true");
  onTestFinished(() => void vi.unstubAllEnvs());
  const folder = makeProject(STAGED, "wrangler.toml", { ".env": "HEALTH_TOKEN=short\n" });
  expect(readEnvironment(folder)).toMatchObject({ local: new Set(), started: VARS });
});

describe("a --url that is no route of the environment is refused (S6)", () => {
  const ROTATE = ["rotate"];
  const WARM = ["warm", "-"];
  const PURGE = ["purge", "-"];
  const DOCTOR = ["doctor"];
  const given = { env: { HEALTH_TOKEN } };
  const staged = (more: object, staging: object = {}) =>
    makeProject({ ...STAGED, ...more, env: { staging: { ...STAGED.env.staging, ...staging } } });
  const routes = (...patterns: string[]) => ({ routes: patterns });
  const ask = async (folder: string, args: readonly string[]) => {
    const { code, out, err } = await vitrine(args, { ...given, folder });
    return { code, out, fault: err.split("\n").at(-2) };
  };
  const folder = makeProject(STAGED);

  const foreign = (url: string, whose: string, env: string) =>
    `${url}: that is a route of ${whose}: add --env ${env}, or give each environment its own host`;
  const OF_STAGING = foreign(STAGING, "env.staging", "staging");

  test.each([[ROTATE], [WARM], [PURGE], [DOCTOR], [["url", "a.jpg"]], [["sign", "a.jpg"]]])(
    "by %j, if it is one of another",
    async (args) => {
      const other = await ask(folder, [...args, "--url", STAGING]);
      expect(other).toEqual({ code: 2, out: "", fault: OF_STAGING });
      const top = await ask(folder, [...args, "--url", HOST, "--env", "staging"]);
      expect(top).toEqual({ code: 2, out: "", fault: foreign(HOST, "the top level", '""') });
    },
  );

  test.each([
    ["one of another", STAGED.routes],
    ["below a wildcard of its own", ["*.example/*"]],
  ])("by purge and warm, if the URL of an object is %s", async (_which, top) => {
    const folder = staged({ routes: top }, routes(`${new URL(STAGING).host}/*`));
    const url = `${STAGING}/images/card/a.jpg`;
    const purged = await vitrine(["purge", url, "--url", HOST], { folder, env: { PURGE_TOKEN } });
    expect([purged.code, purged.out]).toEqual([2, ""]);
    expect(purged.err).toContain(OF_STAGING);
    const warmed = await vitrine([...WARM, "--url", HOST], { folder, stdin: `${url}\n` });
    expect(warmed.code).not.toBe(0);
    expect(warmed.err).toContain(OF_STAGING);
  });

  test("by explain", async () => {
    const asked = `${STAGING}/private/card/a.jpg?exp=1&kid=k&sig=a-signature-of-somebody`;
    expect(await ask(folder, ["explain", asked])).toEqual({ code: 2, out: "", fault: OF_STAGING });
    const own = await ask(folder, ["explain", "--env=staging", `${STAGING}/images/card/a.jpg`]);
    expect(own).toMatchObject({ code: 0, out: expect.stringContaining("acme-staging") });
  });

  test.each([[ROTATE], [WARM], [PURGE], [DOCTOR]])("by %j, if it is unknown", async (args) => {
    const url = ["--url", "https://other.example"];
    const fault = `https://other.example: is no route of wrangler.toml, which has images.example: add other.example to routes there`;
    expect(await ask(folder, [...args, ...url])).toEqual({ code: 2, out: "", fault });
    const bare = await ask(staged({}, { routes: [] }), [...args, ...url, "--env", "staging"]);
    expect(bare.fault).toContain(
      "is no route of env.staging of wrangler.toml, which has none: add other.example",
    );
  });

  /** Says for which environments the URL of a host passes. */
  const passesFor = async (at: string, host: string) => {
    const dry = (env: string) => ask(at, [...WARM, "--url", `https://${host}`, `--env=${env}`]);
    return [(await dry("")).code === 0 && "top", (await dry("staging")).code === 0 && "staging"];
  };
  const dev = { workers_dev: true };

  test.each<[what: string, host: string, top: object, staging: object, passes: string | undefined]>(
    [
      ["a wildcard", "a.b.example", routes("*.b.example/*"), {}, "top"],
      ["exact", "a.b.example", routes("*.b.example/*"), routes("a.b.example/*"), "staging"],
      ["longer", "a.b.example", routes("*.example/*"), routes("*.b.example/*"), "staging"],
      ["before custom domains", "images.example", {}, routes("*.example/*"), "staging"],
      ["every host at all", "a.b.example", routes("*/*"), {}, undefined],
      ["part of a name", "evil-images.example", {}, {}, undefined],
      ["other capitals", "IMAGES.example", {}, {}, "top"],
      ["another script", "xn--bcher-kva.example", routes("bücher.example/*"), {}, "top"],
      ["by paths", "b.example", routes("b.example/a/*"), routes("b.example/b/*"), undefined],
      ["its own", "c.example", routes("b.example/*", "c.example/*"), routes("b.example/*"), "top"],
      ["workers.dev, where it is off", "vitrine.me.workers.dev", {}, {}, undefined],
      ["workers.dev", "vitrine.me.workers.dev", dev, {}, "top"],
      ["workers.dev of the other", "vitrine-staging.me.workers.dev", dev, {}, "staging"],
      ["a version on workers.dev", "0123-vitrine.me.workers.dev", dev, {}, undefined],
      ["a name below workers.dev", "vitrine.a.me.workers.dev", dev, {}, undefined],
    ],
  )("a route that is %s: %s", async (_what, host, top, staging, passes) => {
    const found = await passesFor(staged(top, staging), host);
    expect(found.filter(Boolean)).toEqual(passes === undefined ? [] : [passes]);
  });
});
