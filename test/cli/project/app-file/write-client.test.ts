// When `npm run client` writes its file, and when it writes none.

import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { writeClient } from "../../../../src/cli/project/app-file/make.ts";
import { QUIET, ROOT } from "../../../support/built.ts";
import { type Known, known, VARS } from "../../../support/cli/configuration.ts";

const folder = mkdtempSync(join(tmpdir(), "vitrine-client-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(at(name), "utf8");

const write = (args: string[], vars: Known = known) => writeClient(args, () => vars);

test("it is the same each time, and is written over itself alone", () => {
  write([at("again.ts")]);
  const first = read("again.ts");
  // As git may check it out.
  writeFileSync(at("again.ts"), first.slice(0, 500).replaceAll("\n", "\r\n"));
  expect(write([at("again.ts")])).toContain("Wrote ");
  expect(read("again.ts")).toBe(first);
  symlinkSync(at("again.ts"), at("link.ts"));
  expect(write(["--base-url", "", at("link.ts")])).toContain(" for the page's own host: ");
  expect(read("again.ts")).toBe(first.replace('"https://images.example"', '""'));
  for (const other of ["", "export const mine = 1;\n", `\n${first}`]) {
    writeFileSync(at("mine.ts"), other);
    expect(write([at("mine.ts")])).toEqual({
      fault: `${at("mine.ts")}: is there, and was not written by this command: remove it, or name another file`,
    });
    expect(read("mine.ts")).toBe(other);
  }
});

describe("it writes nothing where something is wrong:", () => {
  const file = at("nothing.ts");
  const broken = {
    ...known,
    deployed: {
      ...VARS,
      ROUTES: [{ ...VARS.ROUTES[0], presets: ["crad"] }],
      PRESETS: { card: {} },
    },
  };
  test.each<[string, string[], Known, RegExp]>([
    ["no file", [], known, /^Usage: npm run client -- /],
    ["two files", [file, file], known, /^Usage: /],
    ["an option that is none", ["--url", "x", file], known, /'--url'.*\nUsage: /s],
    ["an option without a value", [file, "--base-url"], known, /'--base-url.*\nUsage: /s],
    ["no TypeScript", [at("nothing.js")], known, /nothing\.js: does not end in \.ts\nUsage: /],
    ["types alone", [at("nothing.d.ts")], known, /does not end in \.ts\nUsage: /],
    [
      "a folder that is not there",
      [at("no/nothing.ts")],
      known,
      /: there is no such folder: make it/,
    ],
    ["a folder by its name", [at("folder.ts")], known, /folder\.ts: EISDIR/],
    ["no domain", [file], { ...known, patterns: [] }, /^wrangler\.toml names no domain/],
    ["no URL", ["--base-url", "x", file], known, /^--base-url x: is no URL/],
    [
      "no TOML",
      [file],
      { fault: "", mistake: { path: "wrangler.toml", at: "1:7", message: "x" } },
      /^The conf.* mistakes:\n {2}wrangler\.toml:1/,
    ],
    [
      "mistakes",
      [file],
      broken,
      /mistakes:\n {2}PRESETS\.card: .*\n {2}ROUTES\[0\]\.presets\[0\]: /,
    ],
    [
      "a secret that nobody requires",
      [file],
      { ...known, secrets: [] },
      /AWS_ACCESS_KEY_ID: is missing/,
    ],
  ])("%s", (_what, args, vars, message) => {
    if (!existsSync(at("folder.ts"))) mkdirSync(at("folder.ts"));
    const before = readdirSync(folder);
    expect(writeClient(args, () => vars)).toMatchObject({ fault: expect.stringMatching(message) });
    expect(readdirSync(folder)).toEqual(before);
  });
});

test("npm run client reads wrangler.toml of its folder, and ends with 1 where it wrote nothing", () => {
  const run = (...args: string[]) => {
    const script = join(ROOT, "src/cli/client/index.ts");
    const options = { cwd: join(ROOT, "test/support"), env: QUIET };
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], options);
    return { status, stdout: `${stdout}`, stderr: `${stderr}` };
  };
  const right = run("--base-url=http://localhost:8787", at("run.ts"));
  expect(right).toMatchObject({ status: 0, stderr: "" });
  expect(right.stdout).toMatch(
    /^Wrote .*with 2 routes and 3 presets.*import \{ images, avatars \}.*\n$/,
  );
  expect(read("run.ts")).toContain('const baseUrl = "http://localhost:8787";');
  const wrong = run(at("other.ts"));
  expect(wrong).toMatchObject({ status: 1, stdout: "" });
  expect(wrong.stderr).toMatch(/^wrangler\.toml names no domain under routes/);
  expect(existsSync(at("other.ts"))).toBe(false);
});
