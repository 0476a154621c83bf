// What `npx vitrine` of the package says to a Node.js that is too old.

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

test("an old Node.js is told which one to install, and where from", () => {
  const folder = createTemporaryFolder("vitrine-old-node-");
  mkdirSync(join(folder, "src/cli"), { recursive: true });
  copyFileSync(join(ROOT, "src/cli/vitrine.js"), join(folder, "src/cli/vitrine.js"));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  const old = `Object.defineProperties(process, {
    version: { value: "v20.9.0" }, versions: { value: { node: "20.9.0" } } });`;
  const args = ["--import", `data:text/javascript,${encodeURIComponent(old)}`];
  const { status, stderr } = spawnSync(
    process.execPath,
    [...args, join(folder, "src/cli/vitrine.js"), "init"],
    { encoding: "utf8" },
  );
  expect([status, stderr]).toEqual([
    2,
    expect.stringMatching(
      /^vitrine needs Node\.js 22\.12 .* v20\.9\.0\. .*nodejs\.org, or .*nvm install 24\n$/,
    ),
  ]);
});
