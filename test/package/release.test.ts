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

/** Writes a file that git ignores and npm packs. */
async function writeIgnored(file: string) {
  mkdirSync(dirname(join(clone, file)), { recursive: true });
  writeFileSync(join(clone, file), "AWS_SECRET_ACCESS_KEY=x");
}
const manifest = () => readFileSync(join(clone, "package.json"), "utf8");

test.each<[state: string, arrange: () => unknown, message: RegExp]>([
  [
    "with changes that are not committed",
    () => appendFileSync(join(clone, "package.json"), "\n"),
    /^There are changes that are not committed\./,
  ],
  [
    "with a new file that git status does not show",
    async () => {
      await git("config", "status.showUntrackedFiles", "no");
      writeFileSync(join(clone, "new.md"), "");
    },
    /not committed/,
  ],
  [
    "with an ignored .dev.vars that npm packs",
    () => writeIgnored("fixtures/objects/.dev.vars"),
    /^npm would pack files that git ignores\..*\n!! fixtures\/objects\/\.dev\.vars\n/,
  ],
  [
    "with an ignored secrets.env that npm packs",
    () => writeIgnored("src/url/secrets.env"),
    /^npm would pack files that git ignores\..*\n!! src\/url\/secrets\.env\n/,
  ],
  [
    "with a version that CHANGELOG.md does not have",
    async () => {
      const text = manifest().replace(/"version": "[^"]*"/, '"version": "99.0.0"');
      writeFileSync(join(clone, "package.json"), text);
      await git("commit", "--quiet", "--all", "--message", "Another version");
    },
    /^CHANGELOG\.md has no line "## \[99\.0\.0\] - /,
  ],
  [
    "with a version that is released already",
    () => git("tag", `v${JSON.parse(manifest()).version}`),
    /is released already\./,
  ],
])("%s", async (_state, arrange, message) => {
  await arrange();
  const { code, stdout, stderr } = await tryRun("bash", [".ci/release"], { cwd: clone });
  expect([code, stdout, stderr]).toEqual([1, "", expect.stringMatching(message)]);
});

test("if a check fails, nothing is packed", async () => {
  const { code, stdout } = await tryRun("bash", [".ci/release"], { cwd: clone });
  expect([code, stdout]).toEqual([1, "the checks have run\n"]);
});
