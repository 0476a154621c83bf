// Where a new project gets Vitrine from: from the same place as the Vitrine that made it. Nobody may be sent to a
// package of this name on npm that is somebody else's.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { findPackageSource } from "../../../src/cli/init/package-source.ts";
import { VERSION } from "../../../src/cli/wrangler/packages.ts";
import { AWS, contents, emptyFolder, init } from "../../support/cli/making.ts";
import { makeTemporary } from "../../support/temporary.ts";

const TGZ = `vitrine-${VERSION}.tgz`;
const PATH = `npm install path/to/${TGZ} (or, if Vitrine came from npm: npm install)`;
const recordOf = (resolved: unknown) =>
  JSON.stringify({ packages: { "node_modules/vitrine": { resolved } } });

test.each<[what: string, record: string | undefined, dependency: string, install: string]>([
  ["a file beside it", recordOf(`file:../../${TGZ}`), `file:../${TGZ}`, "npm install"],
  ["a file in it", recordOf(`file:../../images/${TGZ}`), `file:${TGZ}`, "npm install"],
  [
    "an odd folder",
    recordOf(`file:../../it's #1 ü/${TGZ}`),
    `file:../it's #1 ü/${TGZ}`,
    "npm install",
  ],
  ["npm", recordOf(`https://npm.example/vitrine/-/${TGZ}`), `^${VERSION}`, "npm install"],
  ["no record", undefined, `^${VERSION}`, PATH],
  ["a broken record", "{", `^${VERSION}`, PATH],
  ["a record without it", '{ "packages": {} }', `^${VERSION}`, PATH],
  ["a record without its origin", recordOf(undefined), `^${VERSION}`, PATH],
  ["a file that is gone", recordOf("file:../../gone.tgz"), `^${VERSION}`, PATH],
])(
  "npx that got Vitrine from %s makes a project with the same",
  (_what, record, dependency, install) => {
    const folder = makeTemporary("vitrine-source-");
    const root = join(folder, "_npx/1a/node_modules/vitrine");
    mkdirSync(root, { recursive: true });
    if (record !== undefined) writeFileSync(join(root, "../.package-lock.json"), record);
    const file = /^file:/.test(dependency)
      ? join(folder, "images", dependency.slice(5))
      : undefined;
    if (file !== undefined) mkdirSync(dirname(file), { recursive: true });
    if (file !== undefined) writeFileSync(file, "");
    expect(findPackageSource(join(folder, "images"), root)).toEqual({ dependency, install });
  },
);

test("a clone makes a project that has the file which its first step packs", async () => {
  const folder = emptyFolder();
  await init(folder, AWS);
  const { dependencies } = JSON.parse(contents(folder)["package.json"] ?? "");
  expect(dependencies).toEqual({ vitrine: `file:${TGZ}` });
});
