// When `vitrine client` writes its file, and when it writes none.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeClient } from "../../../src/cli/client/write-client.ts";
import { ROOT } from "../../support/built.ts";
import { known, VARS } from "../../support/cli/configuration.ts";
import { makeFolder } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { makeTemporary } from "../../support/temporary.ts";

const folder = makeTemporary("vitrine-client-");
const at = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(at(name), "utf8");

const write = (file: string, baseUrl?: string) => writeClient(known, file, baseUrl);

test("it is the same each time, and replaces only what it wrote itself", () => {
  write(at("again.ts"));
  const first = read("again.ts");
  // With the ends of lines that git may write.
  writeFileSync(at("again.ts"), first.slice(0, 500).replaceAll("\n", "\r\n"));
  expect(write(at("again.ts"))).toContain("Wrote ");
  expect(read("again.ts")).toBe(first);
  symlinkSync(at("again.ts"), at("link.ts"));
  expect(write(at("link.ts"), "")).toContain(" for the page's own host: ");
  const here = first.replace('"https://images.example"', '""');
  expect(read("again.ts")).toBe(here.replace("\n", '\n// Options: --base-url ""\n'));
  for (const other of ["", "export const mine = 1;\n", `\n${first}`]) {
    writeFileSync(at("mine.ts"), other);
    expect(write(at("mine.ts"))).toEqual({
      fault: `${at("mine.ts")}: this command did not write that file: remove it, or name another file`,
    });
    expect(read("mine.ts")).toBe(other);
  }
});

test("it replaces a file that 0.1.0 wrote, which begins with another line", () => {
  const old =
    "// Written by `npm run client` of Vitrine from its wrangler.toml.\n// Do not edit it";
  writeFileSync(at("old.ts"), old);
  expect(write(at("old.ts"))).toContain("Wrote ");
  expect(read("old.ts")).toMatch(/^\/\/ Written by `npx vitrine client` from wrangler\.toml\.\n/);
});

describe("it writes nothing if something is wrong:", () => {
  const file = at("nothing.ts");
  const broken = {
    ...known,
    deployed: {
      ...VARS,
      ROUTES: [{ ...VARS.ROUTES[0], presets: ["crad"] }],
      PRESETS: { card: {} },
    },
  };
  test.each<[string, Parameters<typeof writeClient>, RegExp]>([
    [
      "a folder that is not there",
      [known, at("no/nothing.ts")],
      /: there is no such folder: make it/,
    ],
    ["a folder by its name", [known, at("folder.ts")], /folder\.ts: EISDIR/],
    ["no domain", [{ ...known, patterns: [] }, file], /^wrangler\.toml names no domain/],
    ["no URL", [known, file, "x"], /^--base-url x: is not a URL/],
    [
      "mistakes",
      [broken, file],
      /mistakes:\n {2}PRESETS\.card: .*\n {2}ROUTES\[0\]\.presets\[0\]: /,
    ],
    [
      "a secret that nobody requires",
      [{ ...known, secrets: [] }, file],
      /AWS_ACCESS_KEY_ID: is missing/,
    ],
  ])("%s", (_what, args, message) => {
    if (!existsSync(at("folder.ts"))) mkdirSync(at("folder.ts"));
    const before = readdirSync(folder);
    expect(writeClient(...args)).toMatchObject({ fault: expect.stringMatching(message) });
    expect(readdirSync(folder)).toEqual(before);
  });

  test.each<[string, string[], RegExp]>([
    ["no file", [], /missing required argument 'file'/],
    ["two files", [file, file], /too many arguments for 'client'/],
    ["an unknown option", ["--url", "x", file], /unknown option '--url'/],
    ["an option without a value", [file, "--base-url"], /'--base-url <url>' argument missing/],
    ["no TypeScript", [at("nothing.js")], /nothing\.js.*It must end in \.ts/],
    ["types alone", [at("nothing.d.ts")], /It must end in \.ts, and not in \.d\.ts/],
  ])("%s makes no sense", async (_what, args, message) => {
    const before = readdirSync(folder);
    const ended = await vitrine(["client", ...args]);
    expect([ended.code, ended.out]).toEqual([3, ""]);
    expect(ended.err).toMatch(message);
    expect(readdirSync(folder)).toEqual(before);
  });
});

test("vitrine client reads wrangler.toml of its folder, and ends with 2 if it wrote nothing", async () => {
  const project = { folder: join(ROOT, "test/support") };
  const args = ["--base-url=http://localhost:8787", at("run.ts")];
  const right = await vitrine(["client", ...args], project);
  expect(right).toMatchObject({ code: 0, err: "" });
  expect(right.out).toMatch(
    /^Wrote .*with 2 routes and 3 presets.*import \{ images, avatars \}.*\n$/,
  );
  expect(read("run.ts")).toContain('const baseUrl = "http://localhost:8787";');
  const wrong = await vitrine(["client", at("other.ts")], project);
  expect(wrong).toMatchObject({ code: 2, out: "" });
  expect(wrong.err).toMatch(/^wrangler\.toml names no domain under routes/);
  expect(existsSync(at("other.ts"))).toBe(false);
});

test("a wrangler.toml that cannot be read is told by its line", async () => {
  const project = { folder: makeFolder({}, { "wrangler.toml": "x = 1\n[vars\n" }) };
  const ended = await vitrine(["client", at("unread.ts")], project);
  expect(ended.code).toBe(2);
  expect(ended.err).toMatch(/^The configuration has mistakes:\n {2}wrangler\.toml:2:\d+: /);
  expect(existsSync(at("unread.ts"))).toBe(false);
});
