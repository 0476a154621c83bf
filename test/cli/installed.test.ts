// The scripts of package.json where `npm ci` has not run, and with a Node.js that cannot run TypeScript.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { QUIET, ROOT } from "../support/built.ts";

const { scripts, bin, dependencies, devDependencies } = JSON.parse(
  readFileSync(join(ROOT, "package.json"), "utf8"),
);
const PACKAGES = Object.keys({ ...dependencies, ...devDependencies });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-bare-"));
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
  cpSync(join(ROOT, "src"), join(folder, "src"), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Links all packages into the folder, except one. */
function install(except?: string) {
  for (const name of PACKAGES.filter((one) => one !== except)) {
    mkdirSync(dirname(join(folder, "node_modules", name)), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), join(folder, "node_modules", name));
  }
}

/** Runs a command line in the folder, as npm does. */
function run(line: string, options = "") {
  const PATH = [dirname(process.execPath), process.env["PATH"]].join(delimiter);
  const env = { ...QUIET, PATH, NODE_OPTIONS: options };
  const { status, stdout, stderr } = spawnSync(line, {
    ...{ cwd: folder, env, shell: true, encoding: "utf8" },
  });
  return { status, said: stdout + stderr };
}

const ALL: readonly (readonly [name: string, line: string])[] = [
  ...["start", "check", "types", "client", "vitrine"].map((name) => [name, scripts[name]] as const),
  ["npx vitrine", `node ${bin.vitrine} --help`],
];

test.each(ALL)("%s says to run npm ci, where no package is installed", (_name, line) => {
  const said = "The packages of Vitrine are not installed. Run: npm ci\n";
  expect(run(line)).toEqual({ status: 2, said });
  // The Node.js of the machine may be older than that of npm ci.
  expect(run(line, "--no-experimental-strip-types")).toEqual({ status: 2, said });
});

test("a package that is missing is named", () => {
  install("commander");
  const said = "Packages of Vitrine are missing: commander. Run: npm ci\n";
  expect(run(scripts.vitrine)).toEqual({ status: 2, said });
});

test.each(ALL)(
  "%s says which Node.js it needs, if this one cannot run TypeScript",
  (_name, line) => {
    install();
    const { status, said } = run(line, "--no-experimental-strip-types");
    expect([status, said]).toEqual([
      2,
      expect.stringMatching(/^Node\.js v\S+ cannot run TypeScript\. .*npm ci.*\n$/),
    ]);
  },
);

test("with its packages, the program runs", () => {
  install();
  expect(run(`node ${bin.vitrine} --help`)).toEqual({
    status: 0,
    said: expect.stringContaining("Usage: "),
  });
});
