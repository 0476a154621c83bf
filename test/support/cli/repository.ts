// A project in a repository of git, with one commit after the other.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tomlOf } from "./folder.ts";

const IDENTITY = ["-c", "user.name=test", "-c", "user.email=test@example.com"];

export function git(folder: string, ...args: readonly string[]): string {
  return execFileSync("git", [...IDENTITY, ...args], {
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
