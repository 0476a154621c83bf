// The scripts of package.json where `npm ci` has not run, and with a Node.js that cannot run TypeScript.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { QUIET, ROOT } from "../support/built.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const { scripts, bin, dependencies, devDependencies } = JSON.parse(
  readFileSync(join(ROOT, "package.json"), "utf8"),
);
const PACKAGES = Object.keys({ ...dependencies, ...devDependencies });

const folder = createTemporaryFolder("vitrine-bare-");
for (const name of ["package.json", "src"]) {
  cpSync(join(ROOT, name), join(folder, name), { recursive: true });
}

/** Has all packages in the folder, except one. */
function install(except?: string) {
  for (const name of PACKAGES.filter((one) => one !== except)) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    if (!existsSync(link)) symlinkSync(join(ROOT, "node_modules", name), link);
  }
}

/** Runs a command line in the folder, as npm does. */
function run(line: string, options = "") {
  const PATH = [dirname(process.execPath), process.env["PATH"]].join(delimiter);
  const env = { ...QUIET, PATH, NODE_OPTIONS: options };
  const { status, stdout, stderr } = spawnSync(line, {
    ...{ cwd: folder, env, shell: true, encoding: "utf8" },
  });
  return { status, output: stdout + stderr };
}

/** As an older Node.js, which the machine may have. */
const OLD = "--no-experimental-strip-types";
const LINES = [scripts.start, scripts.check, `node ${bin.vitrine} --help`];

test("without packages each script says to run npm ci; with an old Node.js, which one it needs", () => {
  const output = "The packages of Vitrine are not installed. Run: npm ci\n";
  for (const line of LINES) expect([line, run(line, OLD)]).toEqual([line, { status: 2, output }]);
  expect(run(scripts.start)).toEqual({ status: 2, output });
  install("commander");
  const missing = "Packages of Vitrine are missing: commander. Run: npm ci\n";
  expect(run(scripts.start)).toEqual({ status: 2, output: missing });
  install();
  const old = /^Node\.js v\S+ cannot run TypeScript\. .*npm ci.*\n$/;
  for (const line of LINES) {
    const { status, output } = run(line, OLD);
    expect([line, status, output]).toEqual([line, 2, expect.stringMatching(old)]);
  }
  const usage = expect.stringContaining("Usage: ");
  expect(run(`node ${bin.vitrine} --help`)).toEqual({ status: 0, output: usage });
});
