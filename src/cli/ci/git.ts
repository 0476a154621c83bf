// Opens an earlier commit of the project in a temporary folder. Nothing in the working tree changes.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { CommandFault } from "../command.ts";
import { isFault } from "../command.ts";

const runFile = promisify(execFile);

export type OpenCommit = {
  /** The project's folder in that commit. */
  readonly folder: string;
  readonly close: () => Promise<void>;
};

/**
 * Opens a commit. CI often has the newest commit alone: then it is fetched.
 * @param folder that of the project, which may be a part of its repository
 * @param name a commit, a branch or a tag
 */
export async function openCommit(folder: string, name: string): Promise<OpenCommit | CommandFault> {
  // git would take a name that begins with a dash for an option.
  if (!/^\w[\w./~^-]*$/.test(name)) {
    return { fault: `${JSON.stringify(name)} is not the name of a commit, a branch or a tag` };
  }
  if (/^0+$/.test(name)) return { fault: "it is the first commit of its branch" };

  const prefix = await git(folder, ["rev-parse", "--show-prefix"]);
  if (isFault(prefix)) return prefix;
  const commit = await findCommit(folder, name);
  if (isFault(commit)) return commit;

  const temporary = mkdtempSync(join(tmpdir(), "vitrine-base-"));
  const tree = join(temporary, "tree");
  const added = await git(folder, ["worktree", "add", "--detach", tree, commit]);
  if (isFault(added)) {
    rmSync(temporary, { recursive: true });
    return added;
  }

  return {
    folder: join(tree, prefix),
    close: async () => {
      await git(folder, ["worktree", "remove", "--force", tree]);
      rmSync(temporary, { recursive: true, force: true });
    },
  };
}

/** @returns the whole id of the commit */
async function findCommit(folder: string, name: string): Promise<string | CommandFault> {
  const present = await git(folder, ["rev-parse", "--verify", "--quiet", `${name}^{commit}`]);
  if (!isFault(present)) return present;

  const fetched = await git(folder, ["fetch", "--no-tags", "--depth=1", "origin", name]);
  if (isFault(fetched)) return { fault: `git has no commit ${name}, and cannot fetch it` };
  return git(folder, ["rev-parse", "--verify", "FETCH_HEAD^{commit}"]);
}

/** How long git may take: ms. It asks nobody for a password. */
const TIMEOUT_MS = 60_000;

async function git(folder: string, args: readonly string[]): Promise<string | CommandFault> {
  try {
    const env = { ...process.env, GIT_TERMINAL_PROMPT: "0" };
    const options = { cwd: folder, env, timeout: TIMEOUT_MS };
    const { stdout } = await runFile("git", [...args], options);
    return stdout.trim();
  } catch (error) {
    const { stderr, message } = Object(error);
    const [line = ""] = `${stderr || message}`.trim().split("\n");
    return { fault: `git ${args[0]}: ${line}` };
  }
}
