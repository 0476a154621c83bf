// The files that the pages name. Those with secrets are not committed, no own file of the configuration is
// formatted, and those of the repository are there.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { makeTemporary } from "../support/temporary.ts";
import { listPages, readPage } from "./pages.ts";

const run = (program: string, args: readonly string[], cwd = ROOT) =>
  spawnSync(program, args, { cwd, encoding: "utf8" });

test("git ignores each file that the pages put a secret into", () => {
  const text = listPages().map(readPage).join("\n");
  const named = text.match(/(?<=--(?:secrets|key)-file |secret bulk |> )[\w-]+\.(?:env|json)\b/g);
  const files = [...new Set(named)];
  expect(files).toEqual(expect.arrayContaining(["secrets.env", "staging.env", "key.json"]));
  const ignored = run("git", ["check-ignore", ...files]).stdout.split("\n");
  expect(files.filter((file) => !ignored.includes(file))).toEqual([]);
});

test("no line of .dev.vars.example that the Deploy button asks for has a value (D1)", () => {
  const lines = parseEnv(readFileSync(join(ROOT, ".dev.vars.example"), "utf8"));
  expect(lines).toEqual({ AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" });
});

test("docs/development.md says why each dependency is there", () => {
  const text = readFileSync(join(ROOT, "package.json"), "utf8");
  const { dependencies, peerDependencies } = JSON.parse(text);
  const [table = ""] = /^\| package .*?\n\n/ms.exec(readPage("docs/development.md")) ?? [];
  const named = [...table.matchAll(/^\| (.*?)\|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  );
  expect(named.sort()).toEqual(Object.keys({ ...dependencies, ...peerDependencies }).sort());
});

/** Pages that name files of the repository, and none of a project. */
const OF_REPOSITORY = [
  ...["AGENTS.md", "CONTRIBUTING.md", "docs/development.md"],
  ...["docs/real-s3.md", "docs/security.md"],
];
const FILE =
  /`((?:\.ci|docs|fixtures|src|test)\/[\w./-]*|(?:[\w-]+\/)*[\w-]+\.(?:js|json|md|toml|tsx?))`/g;
/** What a page has its readers write, or what a command makes. */
const MADE = /^(?:src|test)\/cli\/NAME\//;

test("the files of the repository that pages name are there", () => {
  for (const page of OF_REPOSITORY) {
    const named = [...readPage(page).matchAll(FILE)].map(([, file = ""]) => file);
    expect(named).not.toEqual([]);
    const missing = named.filter((file) => !MADE.test(file) && !existsSync(join(ROOT, file)));
    expect([page, missing]).toEqual([page, []]);
  }
});

test("the tests that docs/security.md and test/README.md name are there", () => {
  const pages = readPage("docs/security.md") + readPage("test/README.md");
  const named = [...pages.matchAll(/`([\w./-]+\.test\.ts)`/g)];
  const files = named.map(([, file = ""]) => file.replace(/^test\//, ""));
  expect(files.length).toBeGreaterThan(50);
  expect(files.filter((file) => !existsSync(join(ROOT, "test", file)))).toEqual([]);
});

test("npm run check leaves the form of the operator's own configuration alone", () => {
  const folder = makeTemporary("vitrine-form-");
  copyFileSync(join(ROOT, "biome.json"), join(folder, "biome.json"));
  const names = ["wrangler.json", "wrangler.jsonc", "other.json"];
  for (const name of names) writeFileSync(join(folder, name), '{ "routes":\n[] }\n');
  const biome = join(ROOT, "node_modules/.bin/biome");
  const { stderr } = run(biome, ["check", "--vcs-enabled=false", "--log-level=error"], folder);
  expect(names.filter((name) => stderr.includes(`${name} format`))).toEqual(["other.json"]);
});
