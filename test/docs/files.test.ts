// The files that the pages name: those with secrets are not committed, and those of the repository are there.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { listPages, readPage } from "./pages.ts";

test("git ignores each file that the pages put a secret into", () => {
  const text = listPages().map(readPage).join("\n");
  const named = text.match(/(?<=--(?:secrets|key)-file |secret bulk |> )[\w-]+\.(?:env|json)\b/g);
  const files = [...new Set(named)];
  expect(files).toEqual(expect.arrayContaining(["secrets.env", "staging.env", "key.json"]));
  const asked = { cwd: ROOT, encoding: "utf8" } as const;
  const ignored = spawnSync("git", ["check-ignore", ...files], asked).stdout.split("\n");
  expect(files.filter((file) => !ignored.includes(file))).toEqual([]);
});

test("no line of .dev.vars.example that the Deploy button asks for has a value (D1)", () => {
  const lines = parseEnv(readFileSync(join(ROOT, ".dev.vars.example"), "utf8"));
  expect(lines).toEqual({ AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" });
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
