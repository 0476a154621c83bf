// Which environment of which file a command reads, and where that is, by --base-url or by its routes.

import { describe, expect, onTestFinished, test, vi } from "vitest";
import { readEnvironment } from "../../../src/cli/config/environment-config.ts";
import { findBaseUrl } from "../../../src/cli/config/site-url.ts";
import { createProject, HOST, STAGED, STAGING } from "../../support/cli/folder.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { type CommandResult, vitrine } from "../../support/cli/vitrine.ts";
import { HEALTH_TOKEN, PURGE_TOKEN, VARS } from "../../support/env.ts";

const CLOUDFLARE_ENV = "staging";

describe.each(["wrangler.toml", "wrangler.jsonc", "wrangler.json"])("in %s", (file) => {
  const folder = createProject(STAGED, file);
  const urlOf = async (args: readonly string[], env = {}) => {
    const argv = ["url", "a.jpg", "--preset", "plain", ...args];
    const { out, err } = await vitrine(argv, { folder, env });
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
      const text = `The configuration has mistakes:\n  ${file}: has no environment "${name}". It has staging. What to do: name one of these, or leave --env out\n`;
      expect(await urlOf(["--env", name])).toBe(text);
      expect(await urlOf([], { CLOUDFLARE_ENV: name })).toBe(text);
    }
  });
});

test("the process's own CLOUDFLARE_ENV chooses nothing by itself (S6)", async () => {
  vi.stubEnv("CLOUDFLARE_ENV", "staging");
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(readEnvironment(createProject(STAGED))).toMatchObject({ worker: "vitrine" });
});

test("a file, or an environment, that is refused (S6)", async () => {
  const results: [string, CommandResult][] = [];
  const jsonc = "wrangler.jsonc";
  for (const [title, config, file, files, env] of [
    ["two, of which wrangler would ignore one", STAGED, jsonc, { "wrangler.toml": "" }],
    ["one that cannot be read", STAGED, jsonc, { [jsonc]: '{\n  "name": }' }],
    ["a program alone", STAGED, "cloudflare.config.ts", {}],
    ["a program beside it", STAGED, "wrangler.toml", { "cloudflare.config.ts": "" }],
    ["an environment that git has", { ...STAGED, env: { example: {} } }, jsonc, {}, "example"],
    ["an environment elsewhere", { ...STAGED, env: { "../prod": {} } }, jsonc, {}, "../prod"],
    ["no environments", { ...STAGED, env: {} }, jsonc, {}, "staging"],
  ] as const) {
    const folder = createProject(config, file, files);
    const ended = await vitrine(["url", "a.jpg", ...(env ? ["--env", env] : [])], { folder });
    expect([title, ended.code, ended.out]).toEqual([title, 2, ""]);
    results.push([title, ended]);
  }
  await expectGolden("refused.txt", results);
});

test("the secrets of the local run come from .dev.vars.staging, else from .dev.vars, never from both (S6)", () => {
  const files = { ".dev.vars": "HEALTH_TOKEN=all\nAWS_ACCESS_KEY_ID=all" };
  const folder = createProject(STAGED, "wrangler.toml", files);
  const withStaging = { ...files, ".dev.vars.staging": "HEALTH_TOKEN=staging" };
  const both = createProject(STAGED, "wrangler.toml", withStaging);
  const all = { ...VARS, HEALTH_TOKEN: "all", AWS_ACCESS_KEY_ID: "all" };
  expect(readEnvironment(folder)).toMatchObject({ devVars: ".dev.vars", localVars: all });
  expect(readEnvironment(both)).toMatchObject({ devVars: ".dev.vars", localVars: all });
  const staging = readEnvironment(both, "staging");
  expect(staging).toMatchObject({ devVars: ".dev.vars.staging" });
  expect(staging).toMatchObject({ localVars: { HEALTH_TOKEN: "staging" } });
  expect(staging).not.toHaveProperty("localVars.AWS_ACCESS_KEY_ID");
});

test("beside a .dev.vars, .env is not read (S4)", () => {
  const files = { ".dev.vars": "HEALTH_TOKEN=all", ".env": "PURGE_TOKEN=env\nHEALTH_TOKEN=env" };
  const environment = readEnvironment(createProject(STAGED, "wrangler.toml", files));
  expect(environment).toMatchObject({ localVars: { HEALTH_TOKEN: "all" } });
  expect(environment).not.toHaveProperty("localVars.PURGE_TOKEN");
});

describe("a --url that is no route of the environment is refused (S6)", () => {
  const WARM = ["warm", "-"];
  const SENDING = [["rotate"], WARM, ["purge", "-"], ["doctor"]];
  const world = { env: { HEALTH_TOKEN } };
  const staged = (more: object, staging: object = {}) =>
    createProject({ ...STAGED, ...more, env: { staging: { ...STAGED.env.staging, ...staging } } });
  const routes = (...patterns: string[]) => ({ routes: patterns });
  const ask = async (folder: string, args: readonly string[]) => {
    const { code, out, err } = await vitrine(args, { ...world, folder });
    return { code, out, fault: err.split("\n").at(-2) };
  };
  const folder = createProject(STAGED);

  const foreign = (url: string, whose: string, env: string) =>
    `${url}: that is a route of ${whose}: add --env ${env}, or give each environment its own host`;
  const OF_STAGING = foreign(STAGING, "env.staging", "staging");

  test("by each command, if it is one of another, or unknown", async () => {
    for (const args of [...SENDING, ["url", "a.jpg"], ["sign", "a.jpg"]]) {
      const other = await ask(folder, [...args, "--url", STAGING]);
      expect(other).toEqual({ code: 2, out: "", fault: OF_STAGING });
      const top = await ask(folder, [...args, "--url", HOST, "--env", "staging"]);
      expect(top).toEqual({ code: 2, out: "", fault: foreign(HOST, "the top level", '""') });
    }
    for (const args of SENDING) {
      const fault = expect.stringContaining("is no route of wrangler");
      const unknown = await ask(folder, [...args, "--url", "https://other.example"]);
      expect(unknown).toEqual({ code: 2, out: "", fault });
    }
  });

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
    const imageUrl = `${STAGING}/private/card/a.jpg?exp=1&kid=k&sig=a-signature-of-somebody`;
    expect(await ask(folder, ["explain", imageUrl])).toEqual({
      code: 2,
      out: "",
      fault: OF_STAGING,
    });
    const explained = await ask(folder, [
      "explain",
      "--env=staging",
      `${STAGING}/images/card/a.jpg`,
    ]);
    expect(explained).toMatchObject({ code: 0, out: expect.stringContaining("acme-staging") });
  });

  test("by commands with a token, if only pictures of that host are its own (S6)", async () => {
    const shared = staged({}, routes("images.example/staging/*"));
    const theirs = `${HOST}: /healthz and /purge there are those of the top level, and would get a token of env.staging: give each environment its own host`;
    for (const url of [[], ["--url", HOST]]) {
      for (const args of [["rotate"], ["purge", "-"]]) {
        const refused = await ask(shared, [...args, "--env=staging", ...url]);
        expect([args, refused]).toEqual([args, { code: 2, out: "", fault: theirs }]);
      }
      // No token goes to these URLs. Each is of one environment, by its path.
      const printed = await ask(shared, ["url", "a.jpg", "-p", "card", "--env=staging", ...url]);
      expect(printed).toMatchObject({ code: 0, out: `${HOST}/images/card/a.jpg\n` });
      const top = await ask(shared, ["url", "a.jpg", "-p", "card", "--env=", ...url]);
      expect(top).toMatchObject({ code: 0, out: `${HOST}/images/card/a.jpg\n` });
      const warmed = await ask(shared, [...WARM, "--env=", ...url]);
      expect(warmed.code).toBe(0);
    }

    const explain = (env: string, path: string) =>
      ask(shared, ["explain", `--env=${env}`, `${HOST}${path}`]);
    expect((await explain("", "/images/card/a.jpg")).code).toBe(0);
    expect((await explain("", "/staging/card/a.jpg")).fault).toBe(
      foreign(HOST, "env.staging", "staging"),
    );
    expect((await explain("staging", "/images/card/a.jpg")).fault).toBe(
      foreign(HOST, "the top level", '""'),
    );
  });

  test("by commands with a token, if another app may answer there, or the URL has a path", async () => {
    const pictures = staged(
      { routes: ["images.example/images/*"] },
      routes(`${new URL(STAGING).host}/*`),
    );
    const covered = staged({ routes: ["images.example/*"] }, routes(`${new URL(STAGING).host}/*`));
    for (const args of [["rotate"], ["purge", "-"]]) {
      const uncovered = await ask(pictures, [...args, "--env="]);
      expect(uncovered).toMatchObject({ code: 2, fault: expect.stringContaining("another app") });
      const path = await ask(covered, [...args, "--env=", "--url", `${HOST}/images`]);
      expect(path).toMatchObject({ code: 2, fault: expect.stringContaining(`--url ${HOST}`) });
    }
  });

  /** Says for which environments the URL of a host passes. */
  const passesFor = async (at: string, host: string) => {
    const dry = (env: string) => ask(at, [...WARM, "--url", `https://${host}`, `--env=${env}`]);
    return [(await dry("")).code === 0 && "top", (await dry("staging")).code === 0 && "staging"];
  };
  const dev = { workers_dev: true };

  test("by the routes of the environments, as Cloudflare reads them", async () => {
    for (const [title, host, top, staging, passes] of [
      ["a wildcard", "a.b.example", routes("*.b.example/*"), {}, "top"],
      ["exact", "a.b.example", routes("*.b.example/*"), routes("a.b.example/*"), "staging"],
      ["longer", "a.b.example", routes("*.example/*"), routes("*.b.example/*"), "staging"],
      ["before custom domains", "images.example", {}, routes("*.example/*"), "staging"],
      ["every host at all", "a.b.example", routes("*/*"), {}, undefined],
      ["part of a name", "evil-images.example", {}, {}, undefined],
      ["other capitals", "IMAGES.example", {}, {}, "top"],
      ["another script", "xn--bcher-kva.example", routes("bücher.example/*"), {}, "top"],
      ["by paths", "b.example", routes("b.example/a/*"), routes("b.example/b/*"), undefined],
      ["a path for operators", "images.example", {}, routes("images.example/purge"), undefined],
      ["pictures of one", "images.example", {}, routes("images.example/a/*"), "top"],
      ["a start page", "images.example", {}, routes("images.example"), "top"],
      ["its own", "c.example", routes("b.example/*", "c.example/*"), routes("b.example/*"), "top"],
      ["workers.dev, where it is off", "vitrine.me.workers.dev", {}, {}, undefined],
      ["workers.dev", "vitrine.me.workers.dev", dev, {}, "top"],
      ["workers.dev of the other", "vitrine-staging.me.workers.dev", dev, {}, "staging"],
      ["a version on workers.dev", "0123-vitrine.me.workers.dev", dev, {}, undefined],
      ["a name below workers.dev", "vitrine.a.me.workers.dev", dev, {}, undefined],
    ] as const) {
      const environments = await passesFor(staged(top, staging), host);
      expect([title, ...environments.filter(Boolean)]).toEqual(passes ? [title, passes] : [title]);
    }
  });
});

test("a base URL is that of the option, else the first route with a host of its own", () => {
  for (const [url, patterns, expected] of [
    ["", ["other.example"], ""],
    ["https://IMAGES.example.com:443/", ["other.example"], "https://images.example.com"],
    ["https://bücher.example/", [], "https://xn--bcher-kva.example"],
    ["https://app.example.com:8443/a b//", [], "https://app.example.com:8443/a%20b"],
    ["http://[::1]:8787", [], "http://[::1]:8787"],
    ["http://app.localhost", [], "http://app.localhost"],
    [undefined, ["https://images.example.com/*"], "https://images.example.com"],
    [undefined, ["example.com/img/*", "images.example.com"], "https://example.com"],
    [undefined, ["*.example.com/*", "*a.example/*", "a.example"], "https://a.example"],
  ] as const) {
    expect(findBaseUrl(url, patterns)).toBe(expected);
  }
  for (const patterns of [[], ["*.example.com/*"], ["*/*"], ["", "https://"]]) {
    expect(findBaseUrl(undefined, patterns)).toHaveProperty("fault");
  }
});

test("another --base-url is refused, and no password is printed", () => {
  for (const baseUrl of [
    ...["images.example.com", "//images.example.com", "javascript:alert(1)//"],
    ...["https://exa mple.com", "https://images.example.com?", "https://images.example.com/#"],
    ...["https://me@images.example.com", "https://:hidden@images.example.com"],
    ...["https://me:hid/den@images.example.com", "https://me:hid@den@images.example.com"],
    ...["http://images.example.com", "http://localhost.example.com"],
  ]) {
    const { fault } = Object(findBaseUrl(baseUrl, ["images.example"]));
    expect(fault).toMatch(/^--base-url \S*.*: /);
    expect(fault).not.toMatch(/hid|den@/);
  }
});
