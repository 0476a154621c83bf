// Opens an earlier commit of the project in a temporary folder. Nothing in the working tree changes.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { CommandFault, World } from "../command.ts";
import { isFault } from "../command.ts";
import { withoutSecrets } from "../secrets/environment.ts";

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
export async function openCommit(
  { folder, env }: Pick<World, "folder" | "env">,
  name: string,
): Promise<OpenCommit | CommandFault> {
  const git = createGit(folder, env);

  // git would take a name that begins with a dash for an option.
  if (!/^\w[\w./~^-]*$/.test(name)) {
    return { fault: `${JSON.stringify(name)} is not the name of a commit, a branch or a tag` };
  }
  if (/^0+$/.test(name)) return { fault: "it is the first commit of its branch" };

  const prefix = await git(["rev-parse", "--show-prefix"]);
  if (isFault(prefix)) return prefix;
  const commit = await findCommit(git, name);
  if (isFault(commit)) return commit;

  const temporary = mkdtempSync(join(tmpdir(), "vitrine-base-"));
  const tree = join(temporary, "tree");
  const added = await git(["worktree", "add", "--detach", tree, commit]);
  if (isFault(added)) {
    rmSync(temporary, { recursive: true });
    return added;
  }

  return {
    folder: join(tree, prefix),
    close: async () => {
      await git(["worktree", "remove", "--force", tree]);
      rmSync(temporary, { recursive: true, force: true });
    },
  };
}

/** @returns the whole id of the commit */
async function findCommit(git: Git, name: string): Promise<string | CommandFault> {
  const present = await git(["rev-parse", "--verify", "--quiet", `${name}^{commit}`]);
  if (!isFault(present)) return present;

  const fetched = await git(["fetch", "--no-tags", "--depth=1", "origin", name]);
  if (isFault(fetched)) return { fault: `git has no commit ${name}, and cannot fetch it` };
  return git(["rev-parse", "--verify", "FETCH_HEAD^{commit}"]);
}

/** How long git may take: ms. It asks nobody for a password. */
const TIMEOUT_MS = 60_000;

type Git = (args: readonly string[]) => Promise<string | CommandFault>;

/** What the repository's own settings, or those of a change, could have git start. */
const WITHOUT_PROGRAMS = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"];

function createGit(folder: string, env: World["env"]): Git {
  const gitEnv = { ...withoutSecrets(env), GIT_TERMINAL_PROMPT: "0", GIT_LFS_SKIP_SMUDGE: "1" };
  const options = { cwd: folder, env: gitEnv, timeout: TIMEOUT_MS };

  return async (args) => {
    try {
      const { stdout } = await runFile("git", [...WITHOUT_PROGRAMS, ...args], options);
      return stdout.trim();
    } catch (error) {
      const { stderr, message } = Object(error);
      const [line = ""] = `${stderr || message}`.trim().split("\n");
      return { fault: `git ${args[0]}: ${line}` };
    }
  };
}
