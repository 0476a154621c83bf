// When `npm run release` stops before it does anything.

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

beforeEach(async () => {
  clone = mkdtempSync(join(tmpdir(), "vitrine-release-"));
  onTestFinished(() => rmSync(clone, { recursive: true }));
  for (const file of ["package.json", "CHANGELOG.md", ".ci", ".gitignore"]) {
    cpSync(join(ROOT, file), join(clone, file), { recursive: true });
  }
  // In place of all checks: a test of the script alone.
  writeFileSync(join(clone, ".ci/run"), "echo the checks have run; exit 1\n", { mode: 0o755 });
  await git("init", "--quiet");
  await git("add", ".");
  await git("commit", "--quiet", "--message", "All files");
});

const release = () => tryRun("bash", [".ci/release"], { cwd: clone });

test("with changes that are not committed", async () => {
  appendFileSync(join(clone, "package.json"), "\n");
  const { code, stdout, stderr } = await release();
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^There are changes that are not committed\./);
});

test("with a new file that git status does not show", async () => {
  await git("config", "status.showUntrackedFiles", "no");
  writeFileSync(join(clone, "new.md"), "");
  const { code, stderr } = await release();
  expect([code, stderr]).toEqual([1, expect.stringContaining("not committed")]);
});

test.each(["fixtures/objects/.dev.vars", "src/url/secrets.env"])(
  "with a file %s, which git ignores and npm packs",
  async (file) => {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    writeFileSync(join(clone, file), "AWS_SECRET_ACCESS_KEY=x");
    const { code, stdout, stderr } = await release();
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(new RegExp(`^npm would pack files that git ignores\\..*\n!! ${file}\n`));
  },
);

test("with a version that CHANGELOG.md does not have", async () => {
  const file = join(clone, "package.json");
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replace(/"version": "[^"]*"/, '"version": "99.0.0"'));
  await git("commit", "--quiet", "--all", "--message", "Another version");
  const { code, stdout, stderr } = await release();
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^CHANGELOG\.md has no line "## \[99\.0\.0\] - /);
});

test("with a version that is released already", async () => {
  const { version } = JSON.parse(readFileSync(join(clone, "package.json"), "utf8"));
  await git("tag", `v${version}`);
  const { code, stderr } = await release();
  expect([code, stderr]).toEqual([1, expect.stringContaining(`v${version} is released already.`)]);
});

test("if a check fails, nothing is packed", async () => {
  const { code, stdout } = await release();
  expect([code, stdout]).toEqual([1, "the checks have run\n"]);
});
