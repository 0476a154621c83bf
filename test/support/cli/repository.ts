// A project in a repository of git, with one commit after the other.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tomlOf } from "./folder.ts";

const IDENTITY = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
/** A repository of a test is thrown away: git neither tidies it up, nor waits for the disk. */
const QUICK = ["-c", "maintenance.auto=false", "-c", "gc.auto=0", "-c", "core.fsync=none"];

export function git(folder: string, ...args: readonly string[]): string {
  return execFileSync("git", [...IDENTITY, ...QUICK, ...args], {
    cwd: folder,
    encoding: "utf8",
    stdio: "pipe",
  }).trim();
}

/** Commits a wrangler.toml, and all other files. @returns the id of the commit */
export function commitConfig(folder: string, config: Readonly<Record<string, unknown>>): string {
  writeFileSync(join(folder, "wrangler.toml"), tomlOf(config));
  git(folder, "add", "--all");
  git(folder, "commit", "--quiet", "--message", "a commit");
  return git(folder, "rev-parse", "HEAD");
}
