// `vitrine client --check`: it says whether the app file is up to date, and writes nothing.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { makeProject, STAGED, STAGING } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { VARS } from "../../support/env.ts";

let folder: string;
let file: string;
const read = () => readFileSync(file, "utf8");
const client = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  vitrine(["client", file, ...args], { folder, env });

/** Runs a check, which must write nothing. */
async function check(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const files = () => readdirSync(folder).map((name) => [name, textOf(join(folder, name))]);
  const before = files();
  const ended = await client(["--check", ...args], env);
  expect(files()).toEqual(before);
  return ended;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // a folder
  }
}

/** Makes the project with other presets in env.staging. */
function stagedWith(staging: object) {
  const { env } = STAGED;
  const vars = { ...env.staging.vars, ...staging };
  return makeProject({ ...STAGED, env: { staging: { ...env.staging, vars } } });
}

beforeEach(() => {
  folder = makeProject(STAGED);
  file = join(folder, "vitrine.ts");
});

test("a file that is missing or out of date ends it with 1, and it says what to run", async () => {
  const missing = await check(["--base-url-from", "process.env.IMAGES_URL"]);
  expect(missing).toEqual({
    code: 1,
    out: "",
    err: `${file} is missing. Run: npx vitrine client ${file} --base-url-from process.env.IMAGES_URL\n`,
  });
  await client(["--base-url-from", "process.env.IMAGES_URL"]);
  expect(await check()).toEqual({ code: 0, out: `${file} is up to date\n`, err: "" });

  writeFileSync(file, read().replace(/ width: \d+/, " width: 7"));
  const [before = ""] = read().split(" width: 7");
  const stale = await check();
  expect([stale.code, stale.out]).toEqual([1, ""]);
  const line = before.split("\n").length;
  expect(stale.err).toBe(
    `${file} is out of date (line ${line}). Run: npx vitrine client ${file} --base-url-from process.env.IMAGES_URL\n`,
  );
});

test.each<[string, readonly string[], Readonly<Record<string, string>>]>([
  ["none", [], {}],
  ["the page's own host", ["--base-url", ""], {}],
  ["a URL", ["--base-url", 'https://x.example/a b"/'], {}],
  ["an environment", ["--env", "staging"], {}],
  ["an environment by its variable", [], { CLOUDFLARE_ENV: "staging" }],
  ["both", ["--env=staging", "--base-url-from=import.meta.env.VITE_URL"], {}],
])("it needs no option again: %s", async (_name, options, env) => {
  await client(options, env);
  expect(await check()).toMatchObject({ code: 0, err: "" });
  expect(await check(options, env)).toMatchObject({ code: 0, err: "" });
  // A file with the line ends of Windows.
  writeFileSync(file, read().replaceAll("\n", "\r\n"));
  expect(await check()).toMatchObject({ code: 0, err: "" });
});

test.each([
  ["facts", { facts: true }, "facts: true"],
  ["signatures", { signed: true }, "signed: true"],
  ["fewer presets", { presets: ["hero"] }, 'presets: ["hero"]'],
])("a route that gets %s makes the file out of date", async (_what, change, told) => {
  await client([]);
  const old = read();
  const [first, ...routes] = VARS.ROUTES;
  folder = makeProject({
    ...STAGED,
    vars: { ...VARS, ROUTES: [{ ...first, ...change }, ...routes] },
  });
  file = join(folder, "vitrine.ts");
  writeFileSync(file, old);
  expect(await check()).toMatchObject({ code: 1, out: "" });
  await client([]);
  expect(/path: ".images.*BUCKET.*/.exec(read())?.[0]).toContain(told);
  expect(await check()).toMatchObject({ code: 0, err: "" });
});

test("a file of the other form is out of date, and it says why", async () => {
  const names = (dependencies: object) =>
    writeFileSync(join(folder, "package.json"), JSON.stringify({ dependencies }));
  await client([]);
  names({ vitrine: "*" });
  expect((await check()).err).toMatch(
    /out of date \(line \d+\): the app's package\.json names vitrine now, so the file is to import it\. Run: /,
  );
  await client([]);
  expect(await check()).toMatchObject({ code: 0, err: "" });
  names({});
  expect((await check()).err).toMatch(
    /\): the app's package\.json does not name vitrine now, so the file is to hold the client itself\. Run: /,
  );
});

test("other options than those of the file are told", async () => {
  await client(["--base-url", "https://one.example"]);
  const other = await check(["--base-url", "https://two.example"]);
  expect(other.code).toBe(1);
  expect(other.err).toMatch(/ is out of date .* --base-url https:\/\/two\.example\n$/);
});

test("one file serves two environments as long as their routes and presets are the same", async () => {
  const from = ["--base-url-from", "process.env.IMAGES_URL"];
  await client(from);
  expect(await check(["--env", "staging"])).toMatchObject({ code: 0, err: "" });
  await client([...from, "--env", "staging"]);
  expect(await check(["--env", ""])).toMatchObject({ code: 0, err: "" });

  folder = stagedWith({ PRESETS: { ...VARS.PRESETS, hero: { width: 1000 } } });
  file = join(folder, "vitrine.ts");
  await client(from);
  const differs = await check(["--env", "staging"]);
  expect([differs.code, differs.out]).toEqual([1, ""]);
  expect(differs.err).toMatch(
    /was written for the top level, and env\.staging differs \(line \d+\)\. Give both the same routes and presets, or write a file for each\n$/,
  );
});

test("without --base-url-from, the domain of another environment is told, too", async () => {
  await client(["--env", "staging"]);
  expect(read()).toContain(`const baseUrl = "${STAGING}";`);
  expect(await check()).toMatchObject({ code: 0, err: "" });
  expect((await check(["--env", ""])).err).toContain("env.staging, and the top level differs");
});

test("the options of a file that somebody changed do no harm", async () => {
  await client(["--base-url-from", "process.env.IMAGES_URL"]);
  const written = read();
  for (const line of [
    "--base-url-from process.env.A;alert(1)",
    "--base-url-from require('x')",
    '--base-url "\\u{"',
    "--env",
    "",
  ]) {
    writeFileSync(file, written.replace(/^\/\/ Options:.*/m, `// Options: ${line}`));
    const ended = await check();
    expect([line, ended.code, ended.out]).toEqual([line, 1, ""]);
    expect(ended.err).not.toMatch(/alert|require/);
  }
  writeFileSync(file, written.replace(/^\/\/ Options:.*/m, "// Options: --env nowhere"));
  expect(await check()).toMatchObject({ code: 2, err: expect.stringContaining("nowhere") });
});

test("the command to run is safe to paste, whatever stands in the file", async () => {
  await client(["--base-url", "https://a.example/x"]);
  const evil = "https://a.example/$(id)`id`'\u009b31m";
  writeFileSync(
    file,
    read().replace("--base-url https://a.example/x", () => `--base-url ${JSON.stringify(evil)}`),
  );
  const { code, err } = await check();
  expect(code).toBe(1);
  expect(err).toContain(
    `Run: npx vitrine client ${file} --base-url 'https://a.example/$(id)\`id\`'\\''\\u009b31m'\n`,
  );
});

test("what is no file of this command ends it with 2", async () => {
  writeFileSync(file, "export const mine = 1;\n");
  expect(await check()).toMatchObject({
    code: 2,
    err: expect.stringContaining("this command did not write that file"),
  });
  rmSync(file);
  mkdirSync(file);
  expect(await check()).toMatchObject({ code: 2, err: expect.stringContaining("EISDIR") });
});
