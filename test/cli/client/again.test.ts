// `vitrine client FILE` on a file that it wrote before: it keeps the options of the file.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { makeProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";

const FROM = "--base-url-from process.env.IMAGES_URL";
let folder: string;
let file: string;
const read = () => readFileSync(file, "utf8");
const optionsLine = () => /^\/\/ Options:.*/m.exec(read())?.[0];

/** Runs the command with options, as one types them. */
async function client(options: string, env: Readonly<Record<string, string>> = {}) {
  const args = options.split(" ").filter((option) => option !== "");
  const ended = await vitrine(["client", file, ...args], { folder, env });
  expect([ended.code, ended.err]).toEqual([0, ""]);
  return ended.out;
}

beforeEach(() => {
  folder = makeProject(STAGED);
  file = join(folder, "vitrine.ts");
});

test.each([FROM, "--base-url https://one.example", "--env staging", `--env staging ${FROM}`])(
  "without options it writes the same file again, and says with what: %s",
  async (options) => {
    expect(await client(options)).not.toContain("options");
    const first = read();
    expect(await client("")).toMatch(
      new RegExp(`^Wrote .*\n.*vitrine\\.ts keeps its options: ${options}\n$`),
    );
    expect(read()).toBe(first);
    writeFileSync(file, first.replaceAll("\n", "\r\n").replace(/ width: \d+/, " width: 7"));
    await client("");
    expect(read()).toBe(first);
  },
);

test.each([
  [FROM, "--base-url https://two.example", "--base-url https://two.example", ""],
  ["--base-url https://one.example", FROM, FROM, ""],
  [FROM, "--env staging", `--env staging ${FROM}`, FROM],
  [`--env staging ${FROM}`, "--env=", FROM, FROM],
  [
    `--env staging ${FROM}`,
    "--base-url https://a.example",
    "--env staging --base-url https://a.example",
    "--env staging",
  ],
])("of %s, the option %s replaces its own", async (before, given, after, kept) => {
  await client(before);
  const out = await client(given);
  expect(optionsLine()).toBe(`// Options: ${after}`);
  expect(/keeps its options: (.*)/.exec(out)?.[1] ?? "").toBe(kept);
});

test("CLOUDFLARE_ENV replaces the environment of the file", async () => {
  await client(`--env staging ${FROM}`);
  await client("", { CLOUDFLARE_ENV: "" });
  expect(optionsLine()).toBe(`// Options: ${FROM}`);
});

test("a file without options keeps none", async () => {
  await client("");
  expect(await client("")).not.toContain("options");
  expect(optionsLine()).toBeUndefined();
});
