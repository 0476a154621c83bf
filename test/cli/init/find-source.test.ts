// Where a new project gets Vitrine from: from the same place as the Vitrine that made it. Nobody may be sent to a
// package of this name on npm that is somebody else's.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { findSource } from "../../../src/cli/init/find-source.ts";
import { shellQuote } from "../../../src/cli/terminal/shell.ts";
import { VERSION } from "../../../src/cli/wrangler/packages.ts";
import { ROOT } from "../../support/built.ts";
import { AWS, contents, emptyFolder, init } from "../../support/cli/making.ts";
import { makeTemporary } from "../../support/temporary.ts";

const TGZ = `vitrine-${VERSION}.tgz`;

/** Installs a Vitrine below a folder, as npx does: with what npm writes down about it. */
function installed(record: string | undefined): { readonly folder: string; readonly root: string } {
  const folder = makeTemporary("vitrine-source-");
  const root = join(folder, "_npx/1a/node_modules/vitrine");
  mkdirSync(root, { recursive: true });
  mkdirSync(join(folder, "images"));
  if (record !== undefined) writeFileSync(join(root, "../.package-lock.json"), record);
  return { folder, root };
}

const recordOf = (resolved: unknown) =>
  JSON.stringify({ packages: { "node_modules/vitrine": { resolved } } });

test.each([
  [TGZ, `file:../${TGZ}`],
  [`images/${TGZ}`, `file:${TGZ}`],
  [`it's #1 100%20 ü/${TGZ}`, `file:../it's #1 100%20 ü/${TGZ}`],
])("npx with the file %s makes a project that has %s", (file, dependency) => {
  const { folder, root } = installed(recordOf(`file:../../${file}`));
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), "");
  const source = findSource(join(folder, "images"), root);
  expect(source).toEqual({ dependency, install: "npm install" });
});

test("a Vitrine of npm makes a project that has a range", () => {
  const resolved = `https://npm.example/vitrine/-/${TGZ}`;
  const { folder, root } = installed(recordOf(resolved));
  const source = findSource(join(folder, "images"), root);
  expect(source).toEqual({ dependency: `^${VERSION}`, install: "npm install" });
});

test.each([
  ["no record", undefined],
  ["a broken record", "{"],
  ["a record of nothing", "[]"],
  ["a record without it", '{ "packages": {} }'],
  ["a record without its origin", recordOf(undefined)],
  ["a file that is gone", recordOf("file:../../gone.tgz")],
])("with %s, the first command to paste installs a file", (_what, record) => {
  const { folder, root } = installed(record);
  const { install } = findSource(join(folder, "images"), root);
  expect(install).toMatch(new RegExp(`^npm install path/to/${TGZ} \\(`));
});

test("a clone makes a project that has the file which its first step packs", async () => {
  const folder = emptyFolder();
  const { out } = await init(folder, AWS);
  expect(out).toContain(`\n  1. npm pack ${shellQuote(ROOT)} && npm install\n`);
  const files = contents(folder);
  const { dependencies } = JSON.parse(files["package.json"] ?? "");
  expect(dependencies).toEqual({ vitrine: `file:${TGZ}` });
  expect(files["README.md"]).toContain(`CI needs \`${TGZ}\`, too.`);
  expect(files["README.md"]).not.toContain("npm update");
});
