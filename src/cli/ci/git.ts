// Opens an earlier commit of the project in a temporary folder. The clone does not change, and no program runs that its
// settings or a commit name: hooks, filters, what makes a connection. For that, git gets a repository of its own, without
// settings, which takes the objects of the clone. Of the clone's settings, only data is read: the address of origin, and
// the headers that a checkout in CI leaves for it.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { devNull, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { World } from "../command.ts";
import { withoutSecrets } from "../secrets/environment.ts";

const runFile = promisify(execFile);

export type OpenCommit = {
  readonly kind: "opened";
  /** The project's folder in that commit. */
  readonly folder: string;
  readonly close: () => void;
};

export type UnopenedCommit =
  /** There is no earlier commit. */
  | { readonly kind: "first"; readonly reason: string }
  /** A shallow clone lacks it, and it cannot be fetched. */
  | { readonly kind: "out-of-reach"; readonly reason: string; readonly remedy: string }
  /** The name is wrong, or this is no clone. */
  | { readonly kind: "refused"; readonly reason: string; readonly remedy: string };

/**
 * Opens a commit. CI often has the newest commit alone: then it is fetched.
 * @param folder that of the project, which may be a part of its repository
 * @param name a commit, a branch or a tag
 */
export async function openCommit(
  { folder, env }: Pick<World, "folder" | "env">,
  name: string,
): Promise<OpenCommit | UnopenedCommit> {
  // GitHub says so of the push of a new branch.
  if (/^(?:0{40}|0{64})$/.test(name)) {
    return { kind: "first", reason: "the branch is new, so there is no commit before" };
  }
  if (!isCommitName(name)) {
    const reason = `${JSON.stringify(name)} is not the name of a commit, a branch or a tag`;
    return { kind: "refused", reason, remedy: "correct the name" };
  }

  const clone = await readClone(folder, env);
  if (clone.kind === "refused") return clone;

  const temporary = mkdtempSync(join(tmpdir(), "vitrine-base-"));
  const close = () => rmSync(temporary, { recursive: true, force: true });
  try {
    const failure = await checkOut(clone, name, temporary);
    if (failure !== undefined) {
      close();
      return failure;
    }
  } catch (error) {
    close();
    throw error;
  }
  return { kind: "opened", folder: join(temporary, TREE, clone.prefix), close };
}

/** No option, no range, no pattern, no file of a commit (`main:file`): all else may be the name of a branch. */
function isCommitName(name: string): boolean {
  return !/^[-^]|\.\.|[\s\p{Cc}:?*[\\]/u.test(name);
}

type Clone = {
  readonly kind: "clone";
  readonly git: Git;
  readonly env: World["env"];
  readonly root: string;
  /** The project's folder in it; empty: it is the root. */
  readonly prefix: string;
  /** The folder of its objects. */
  readonly objects: string;
  readonly isShallow: boolean;
  /** `sha1` or `sha256`. */
  readonly hash: string;
};

async function readClone(
  folder: string,
  env: World["env"],
): Promise<Clone | Extract<UnopenedCommit, { kind: "refused" }>> {
  // Of a partial clone, git would fetch what is missing, by a program that the clone's settings may name.
  const git = createGit(folder, { ...envForGit(env), GIT_NO_LAZY_FETCH: "1" });

  const described = await git([
    "rev-parse",
    ...["--path-format=absolute", "--show-toplevel", "--git-path", "objects"],
    ...["--is-shallow-repository", "--show-object-format", "--show-prefix"],
  ]);
  if (described.kind === "failed") {
    const remedy = "run it in a clone, with git installed, or leave --compare out";
    return { kind: "refused", reason: `git cannot read this clone: ${described.message}`, remedy };
  }

  const [root = "", objects = "", shallow, hash = "", prefix = ""] = described.text.split("\n");
  return { kind: "clone", git, env, root, prefix, objects, isShallow: shallow === "true", hash };
}

/** The folders in the temporary one. */
const REPOSITORY = "repository";
const TREE = "tree";

/** Writes the files of a commit. @returns undefined if they are written */
async function checkOut(
  clone: Clone,
  name: string,
  temporary: string,
): Promise<UnopenedCommit | undefined> {
  const repository = join(temporary, REPOSITORY);
  const tree = join(temporary, TREE);
  mkdirSync(tree);

  const reader = createReader(clone, repository, tree);
  const init = ["init", "--quiet", "--template=", `--object-format=${clone.hash}`];
  const created = await reader(init);
  if (created.kind === "failed") throw new Error(`git init: ${created.message}`);

  const commit = await findCommit(clone, name);
  const alternates = join(repository, "objects/info/alternates");
  if (commit !== undefined) {
    writeFileSync(alternates, `${clone.objects}\n`);
    const written = await writeTree(reader, commit);
    if (written.kind === "done") return undefined;
  }

  // A partial clone has the commit without its files. All of it is fetched: git takes what it has for whole.
  rmSync(alternates, { force: true });
  const isFetched = await fetchCommit(clone, commit ?? name, repository);
  if (!isFetched) return describeMissing(clone, name, commit);

  const written = await writeTree(reader, "FETCH_HEAD");
  if (written.kind === "done") return undefined;

  const reason = `git cannot write the files of ${name}: ${written.message}`;
  return { kind: "refused", reason, remedy: "compare with another commit" };
}

/** @returns the whole id of the commit; undefined: the clone lacks it */
async function findCommit({ git }: Clone, name: string): Promise<string | undefined> {
  const commit = `${name}^{commit}`;
  const parsed = await git(["rev-parse", "--verify", "--quiet", "--end-of-options", commit]);
  return parsed.kind === "done" ? parsed.text : undefined;
}

function writeTree(reader: Git, commit: string): Promise<GitResult> {
  return reader(["read-tree", "--reset", "-u", `${commit}^{commit}`]);
}

/** `HEAD~2` and `main^`: a commit that is before another one. */
const BEFORE_ANOTHER = /^(?<start>[^~^]+)[~^][~^\d]*$/;

const COMMIT_ID = /^(?:[\da-f]{40}|[\da-f]{64})$/;

/** Fetches a commit of origin into another repository. @returns whether it is there */
async function fetchCommit(
  { git, env, root }: Clone,
  name: string,
  repository: string,
): Promise<boolean> {
  if (BEFORE_ANOTHER.test(name)) return false;

  const address = await git(["remote", "get-url", "origin"]);
  if (address.kind === "failed") return false;

  // A path as the address is relative to the clone.
  const fetchEnv = {
    ...envForGit(env),
    ...(await headersOf(git, env)),
    GIT_DIR: repository,
    GIT_ALLOW_PROTOCOL: env["GIT_ALLOW_PROTOCOL"] ?? "file:git:http:https:ssh",
  };
  const fetchIn = createGit(root, fetchEnv);

  const ref = name.replace(/^(?:refs\/remotes\/)?origin\//, "");
  const fetched = await fetchIn(["fetch", "--no-tags", "--depth=1", "--", address.text, ref]);
  return fetched.kind === "done";
}

/** The headers that actions/checkout leaves in the clone's settings, for the server of origin, as settings by variables. */
async function headersOf(git: Git, env: World["env"]): Promise<Readonly<Record<string, string>>> {
  const pattern = "^http\\..*extraheader$";
  const settings = await git([
    "config",
    "--local",
    "--includes",
    "--null",
    "--get-regexp",
    pattern,
  ]);
  if (settings.kind === "failed") return {};

  const variables: Record<string, string> = {};
  let count = Number(env["GIT_CONFIG_COUNT"] ?? 0);
  for (const setting of settings.text.split("\0")) {
    const [key, value] = setting.split("\n", 2);
    if (!key || value === undefined) continue;

    variables[`GIT_CONFIG_KEY_${count}`] = key;
    variables[`GIT_CONFIG_VALUE_${count}`] = value;
    count += 1;
  }
  return { ...variables, GIT_CONFIG_COUNT: `${count}` };
}

/** @param commit its id, if the clone has it without its files */
async function describeMissing(
  clone: Clone,
  name: string,
  commit: string | undefined,
): Promise<UnopenedCommit> {
  const start = BEFORE_ANOTHER.exec(name)?.groups?.["start"];
  const isBeforeAnother = start !== undefined && (await findCommit(clone, start)) !== undefined;
  if (isBeforeAnother && !clone.isShallow) {
    return { kind: "first", reason: `the history of ${start} begins after ${name}` };
  }

  const remedy = "set fetch-depth: 0 of actions/checkout, or run git fetch --unshallow before";
  const hasOnlyNewest = clone.isShallow && (isBeforeAnother || COMMIT_ID.test(name));
  if (hasOnlyNewest) {
    const reason = `this clone is shallow and lacks ${name}, and git cannot fetch it from origin`;
    return { kind: "out-of-reach", reason, remedy };
  }
  if (commit !== undefined) {
    const reason = `this clone is partial and lacks the files of ${name}, and git cannot fetch them from origin`;
    return { kind: "out-of-reach", reason, remedy: "leave filter of actions/checkout out" };
  }

  return {
    kind: "refused",
    reason: `this clone has no commit, branch or tag ${name}, and git cannot fetch it from origin`,
    remedy: `correct the name, such as origin/main. If it is right, get it before: ${remedy.replace("--unshallow before", "origin")}`,
  };
}

/** How long git may take: ms. It asks nobody for a password. */
const TIMEOUT_MS = 60_000;

type GitResult =
  | { readonly kind: "done"; readonly text: string }
  | { readonly kind: "failed"; readonly message: string };

type Git = (args: readonly string[]) => Promise<GitResult>;

/** Writes files as they are in a commit. A link becomes a file: it could lead to a file of this machine. */
function createReader({ env }: Clone, repository: string, tree: string): Git {
  const readerEnv = {
    ...withoutSettings(withoutSecrets(env)),
    GIT_DIR: repository,
    GIT_WORK_TREE: tree,
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_NOSYSTEM: "1",
  };
  const git = createGit(tree, readerEnv);
  return (args) => git(["-c", "core.symlinks=false", ...args]);
}

function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const rest = { ...env };
  for (const name of Object.keys(rest)) {
    if (name.startsWith("GIT_")) delete rest[name];
  }
  return rest;
}

/** The variables by which a hook of git says which repository it is about. Here, the folder decides. */
const LOCATIONS = [
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_COMMON_DIR",
  "GIT_DIR",
  "GIT_INDEX_FILE",
  "GIT_OBJECT_DIRECTORY",
  "GIT_PREFIX",
  "GIT_WORK_TREE",
];

function envForGit(env: World["env"]): NodeJS.ProcessEnv {
  const gitEnv = withoutSecrets(env);
  for (const name of LOCATIONS) delete gitEnv[name];
  return { ...gitEnv, GIT_TERMINAL_PROMPT: "0" };
}

function createGit(folder: string, env: NodeJS.ProcessEnv): Git {
  const options = { cwd: folder, env, timeout: TIMEOUT_MS };

  return async (args) => {
    try {
      const { stdout } = await runFile("git", args, options);
      return { kind: "done", text: stdout.trimEnd() };
    } catch (error) {
      const { stderr, message } = Object(error);
      return { kind: "failed", message: `${stderr || message}`.trim() };
    }
  };
}
