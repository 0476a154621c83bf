// What is in the package, and what publint and "Are the types wrong?" say of it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { run } from "./run.ts";

const ROOT = join(import.meta.dirname, "../..");
const TOOLS = join(import.meta.dirname, "node_modules/.bin");
const packed = inject("packed");
const paths = packed.files.map(({ path }) => path);

/** What a user needs, below the top level. All of dist/ is made by `npm run build`. */
const FOLDERS = [
  /^dist\/(?:cli|client|dev|emulator|testing|url|worker)\/[\w./-]+\.(?:js|d\.ts)$/,
  /^dist\/dev\/sheet\/page\/(?:try\/)?\w+\.(?:js|css|svg|html)$/,
  /^dist\/cli\/stats\/page\/stats\.css$/,
  /^dist\/gitignore$/,
  /^dist\/wrangler\.schema\.json$/,
  /^docs\/(?:[\w-]+\.md|llms\.txt)$/,
  /^fixtures\/(?:objects|template|github)\//,
  /^fixtures\/vectors\/signing\.json$/,
  /^src\/cli\/vitrine\.js$/,
];
const TOP = [
  ...["AGENTS.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md"],
  "package.json",
];

test("the package has what its users need, and nothing else", () => {
  const topLevel = paths.filter((path) => !FOLDERS.some((form) => form.test(path)));
  expect(topLevel.sort()).toEqual(TOP);
  for (const form of FOLDERS) expect(paths.some((path) => form.test(path))).toBe(true);
});

test("nothing in it names a file of the machine that packed it", () => {
  const shop = inject("shop");
  const texts = paths.filter((path) => /\.(?:js|ts|md|json|css|html)$/.test(path));
  const telling = texts.filter((path) =>
    readFileSync(join(shop, "node_modules/vitrine", path), "utf8").includes(ROOT),
  );
  expect(telling).toEqual([]);
});

test("it weighs less than 3 MB packed", () => {
  expect(packed.size).toBeLessThan(3_000_000);
});

test("publint finds nothing", async () => {
  const { stdout } = await run(join(TOOLS, "publint"), [inject("tarball"), "--strict"], {
    cwd: ROOT,
  });
  expect(stdout).toContain("All good!");
});

test("the types are right for bundlers and for Node.js", async () => {
  const args = [inject("tarball"), "--profile", "esm-only", "--format", "json"];
  const { stdout } = await run(join(TOOLS, "attw"), args, { cwd: ROOT });
  const { analysis } = JSON.parse(stdout);
  expect(Object.keys(analysis.entrypoints)).toContain("./testing/worker");
});
