// Which version a build says, by what git knows of the folder.

import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { buildVersion } from "../../src/build-version.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const DEV = "0.3.0-dev";
let root: string;

function git(folder: string, ...args: readonly string[]): string {
  const settings = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "gc.auto=0"];
  const env = { ...process.env, GIT_DIR: undefined };
  return execFileSync("git", [...settings, ...args], { cwd: folder, encoding: "utf8", env }).trim();
}

/** Makes a repository of two commits. */
function createRepository(folder: string): void {
  git(folder, "init", "--quiet", "--template=");
  writeFileSync(join(folder, "package.json"), "{}");
  git(folder, "add", ".");
  git(folder, "commit", "--quiet", "--message", "One");
  git(folder, "commit", "--quiet", "--message", "Two", "--allow-empty");
}

const commitOf = (folder: string) => git(folder, "rev-parse", "--short=8", "HEAD");

beforeEach(() => {
  root = createTemporaryFolder("vitrine-version-");
});
afterEach(() => vi.unstubAllEnvs());

test("a build says the number of commits and the last one", () => {
  createRepository(root);
  expect(buildVersion(root, DEV)).toBe(`0.3.0-dev.2+${commitOf(root)}`);
  expect(buildVersion(root, "0.3.0")).toBe(`0.3.0+${commitOf(root)}`);
});

test("files that are not committed show, and other ones show otherwise", () => {
  createRepository(root);
  const versions = [buildVersion(root, DEV)];
  for (const change of ["one", "two"]) {
    appendFileSync(join(root, "package.json"), change);
    versions.push(buildVersion(root, DEV));
  }
  mkdirSync(join(root, "src"));
  for (const text of ["one", "two"]) {
    writeFileSync(join(root, "src/new one.ts"), text);
    versions.push(buildVersion(root, DEV));
  }

  expect(new Set(versions).size).toBe(versions.length);
  const changed = new RegExp(`^0\\.3\\.0-dev\\.2\\+${commitOf(root)}\\.changed-[0-9a-f]{8}$`);
  for (const version of versions.slice(1)) expect(version).toMatch(changed);
});

test("what npm does not pack, and what git ignores, changes no version", () => {
  createRepository(root);
  const before = buildVersion(root, DEV);
  mkdirSync(join(root, ".git/info"));
  writeFileSync(join(root, ".git/info/exclude"), "src/left-out.ts\n");
  mkdirSync(join(root, "src"));
  writeFileSync(join(root, "src/left-out.ts"), "");
  writeFileSync(join(root, "vitrine-0.3.0-dev.tgz"), "");
  expect(buildVersion(root, DEV)).toBe(before);
});

test("a shallow clone, which cannot count, names the commit alone", () => {
  createRepository(root);
  const clone = createTemporaryFolder("vitrine-version-");
  git(clone, "clone", "--quiet", "--depth", "1", `file://${root}`, ".");
  expect(buildVersion(clone, DEV)).toBe(`0.3.0-dev+${commitOf(root)}`);
});

test.each<[state: string, arrange: () => string]>([
  ["without a repository", () => root],
  [
    "in a folder of another repository, such as node_modules of a project",
    () => {
      createRepository(root);
      const folder = join(root, "node_modules/vitrine");
      mkdirSync(folder, { recursive: true });
      return folder;
    },
  ],
  [
    "in a hook of another repository",
    () => {
      createRepository(root);
      vi.stubEnv("GIT_DIR", join(root, ".git"));
      return createTemporaryFolder("vitrine-version-");
    },
  ],
  [
    "in a repository without a commit",
    () => {
      git(root, "init", "--quiet");
      return root;
    },
  ],
  [
    "where git is not installed",
    () => {
      createRepository(root);
      vi.stubEnv("PATH", createTemporaryFolder("vitrine-version-"));
      return root;
    },
  ],
])("%s, it is the version of package.json", (_state, arrange) => {
  expect(buildVersion(arrange(), DEV)).toBe(DEV);
});
