// The version that a build says: that of package.json and the commit that was built, so that no two files say the
// same. Asks git alone. Where git knows nothing of this very folder, it is the version of package.json.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What a build reads, and what npm packs. */
const PACKED_PATHS = ["src", "docs", "fixtures", "package.json", ":(glob)*.md", "LICENSE"];

/**
 * Of `0.3.0-dev`: `0.3.0-dev.214+f80c1696`, with the number of commits and the last one. Of `0.3.0`: `0.3.0+f80c1696`,
 * because a number behind it would be no version. Files that are not committed add a hash of their own.
 * @param root the folder of package.json
 */
export function buildVersion(root: string, version: string): string {
  try {
    // A folder above may have a repository of somebody else, such as that of a project.
    const pathInRepository = git(root, "rev-parse", "--show-prefix");
    if (pathInRepository !== "") return version;

    const commit = git(root, "rev-parse", "--short=8", "HEAD");
    const changes = changesOf(root);
    const build = changes === undefined ? commit : `${commit}.${changes}`;

    // A shallow clone, such as that of a CI, does not have all commits to count.
    const isShallow = git(root, "rev-parse", "--is-shallow-repository") === "true";
    const isRelease = !version.includes("-");
    if (isShallow || isRelease) return `${version}+${build}`;

    const count = git(root, "rev-list", "--count", "HEAD");
    return `${version}.${count}+${build}`;
  } catch {
    return version; // no git, no repository, or no commit yet
  }
}

/** `changed-` and a hash of what is not committed; undefined if that is nothing. */
function changesOf(root: string): string | undefined {
  const plain = ["--binary", "--no-ext-diff", "--no-textconv"];
  const difference = git(root, "diff", "HEAD", ...plain, "--", ...PACKED_PATHS);
  const others = git(root, "ls-files", "-z", "--others", "--exclude-standard", ...PACKED_PATHS);
  // A repository inside this one is listed as a folder.
  const newFiles = others.split("\0").filter((path) => path !== "" && !path.endsWith("/"));
  if (difference === "" && newFiles.length === 0) return undefined;

  const hash = createHash("sha256").update(difference);
  for (const path of newFiles) {
    const bytes = readFileSync(join(root, path));
    hash.update(`\0${path}\0${bytes.length}\0`).update(bytes);
  }
  return `changed-${hash.digest("hex").slice(0, 8)}`;
}

/** @throws if there is no git, or if it ends with an error */
function git(root: string, ...args: readonly string[]): string {
  // A hook of git, or a build that one started, may name another repository.
  const names = Object.keys(process.env).filter((name) => name.startsWith("GIT_"));
  const env = { ...process.env, ...Object.fromEntries(names.map((name) => [name, undefined])) };
  const options = { cwd: root, env, maxBuffer: 256 * 1024 ** 2 };
  const output = execFileSync("git", [...args], {
    ...options,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return output.toString().trimEnd();
}
