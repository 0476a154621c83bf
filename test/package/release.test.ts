// When `npm run release` stops before it does anything, and what it makes.

import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { run, tryRun } from "./run.ts";

const ROOT = join(import.meta.dirname, "../..");

let clone: string;
const git = (...args: string[]) =>
  run("git", ["-c", "user.name=A", "-c", "user.email=a@example.com", ...args], { cwd: clone });

/** Makes a clone whose version is a release. */
beforeEach(async () => {
  clone = mkdtempSync(join(tmpdir(), "vitrine-release-"));
  onTestFinished(() => rmSync(clone, { recursive: true }));
  for (const file of ["package.json", "CHANGELOG.md", ".ci", ".gitignore"]) {
    cpSync(join(ROOT, file), join(clone, file), { recursive: true });
  }
  setVersion(VERSION);
  appendFileSync(join(clone, "CHANGELOG.md"), `\n## [${VERSION}] - 2026-12-24\n`);
  // In place of all checks: a test of the script alone.
  writeFileSync(join(clone, ".ci/run"), "echo the checks have run; exit 1\n", { mode: 0o755 });
  await git("init", "--quiet");
  await git("add", ".");
  await git("commit", "--quiet", "--message", "All files");
});

/** Writes a file that git ignores and npm packs. */
async function writeIgnored(file: string) {
  mkdirSync(dirname(join(clone, file)), { recursive: true });
  writeFileSync(join(clone, file), "AWS_SECRET_ACCESS_KEY=x");
}
const manifest = () => readFileSync(join(clone, "package.json"), "utf8");

const VERSION = "98.0.0";

function setVersion(version: string): void {
  const text = manifest().replace(/"version": "[^"]*"/, `"version": "${version}"`);
  writeFileSync(join(clone, "package.json"), text);
}
async function commitVersion(version: string) {
  setVersion(version);
  await git("commit", "--quiet", "--all", "--message", "Another version");
}
const raiseVersion = () => commitVersion("99.0.0");
const beginVersion = () => commitVersion("99.0.0-dev");
async function addHidden() {
  await git("config", "status.showUntrackedFiles", "no");
  writeFileSync(join(clone, "new.md"), "");
}
const packs = (file: string) =>
  new RegExp(`^npm would pack files that git ignores\\..*\n!! ${RegExp.escape(file)}\n`);
const [VARS, SECRETS] = ["fixtures/objects/.dev.vars", "src/url/secrets.env"] as const;
const change = () => appendFileSync(join(clone, "package.json"), "\n");
const tag = () => git("tag", `v${JSON.parse(manifest()).version}`);

test.each<[state: string, arrange: () => unknown, message: RegExp]>([
  ["changes that are not committed", change, /^There are changes that are not committed\./],
  ["a new file that git status does not show", addHidden, /not committed/],
  ["an ignored .dev.vars that npm packs", () => writeIgnored(VARS), packs(VARS)],
  ["an ignored secrets.env that npm packs", () => writeIgnored(SECRETS), packs(SECRETS)],
  ["no line in CHANGELOG.md", raiseVersion, /^CHANGELOG\.md has no line "## \[99\.0\.0\] - /],
  ["a version that is no release", beginVersion, /^99\.0\.0-dev is no release\..* 99\.0\.0: /],
  ["a version that is released already", tag, /is released already\./],
])("with %s", async (_state, arrange, message) => {
  await arrange();
  const { code, stdout, stderr } = await tryRun("bash", [".ci/release"], { cwd: clone });
  expect([code, stdout, stderr]).toEqual([1, "", expect.stringMatching(message)]);
});

test("the packed file is put beside the template, and the next one does not have it", async () => {
  // The site of the docs, which the checks build, is not packed.
  const checks = "mkdir -p docs/site; touch docs/site/.dev.vars; echo the checks have run\n";
  writeFileSync(join(clone, ".ci/run"), checks, { mode: 0o755 });
  cpSync(join(ROOT, "fixtures/template"), join(clone, "fixtures/template"), { recursive: true });
  const text = manifest().replace(/"prepare": .*\n/, "");
  writeFileSync(join(clone, "package.json"), text); // a test without a build
  await git("add", ".");
  await git("commit", "--quiet", "--message", "The template");
  const packed = `fixtures/template/vitrine-${VERSION}.tgz`;

  for (const time of ["first", "second"]) {
    const { stdout } = await run("bash", [".ci/release"], { cwd: clone });
    expect([time, stdout]).toEqual([time, expect.stringContaining(`git add --force ${packed}\n`)]);
    const list = await run("tar", ["--list", "--file", join(clone, packed)], { cwd: clone });
    expect(list.stdout).toContain("package/fixtures/template/package.json\n");
    expect(list.stdout).not.toContain(".tgz");
  }
});

test("if a check fails, nothing is packed", async () => {
  const { code, stdout } = await tryRun("bash", [".ci/release"], { cwd: clone });
  expect([code, stdout]).toEqual([1, "the checks have run\n"]);
});
