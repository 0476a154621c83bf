// The file of secrets that wrangler reads is gone after every ending of the program that no one can catch.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { ROOT } from "../../support/built.ts";
import { makeTemporary } from "../../support/temporary.ts";

let folder: string;

beforeEach(() => {
  folder = makeTemporary("vitrine-file-");
});

/** Ends while wrangler runs, or waits there until a signal comes. */
const PROGRAM = `
  import { wranglerDeploy } from ${JSON.stringify(join(ROOT, "src/cli/deploy/index.ts"))};
  const run = async (_world, args) => {
    process.stdout.write(args.at(-1));
    if (process.argv[1] === "exit") process.exit(130);
    if (process.argv[1] === "throw") throw new Error("a bug");
    await new Promise((settle) => setTimeout(settle, 3_600_000));
  };
  await wranglerDeploy({ env: {} }, run, { file: "wrangler.toml" }, { SECRET: "a secret" });`;

test.each([
  ["a cancelled job", "SIGTERM", 1],
  ["a closed terminal", "SIGHUP", 1],
  ["Ctrl-\\", "SIGQUIT", 1],
  ["exit", undefined, 130],
  ["throw", undefined, 1],
] as const)("after %s, no secret stays on the disk (S5)", async (ending, signal, code) => {
  const args = ["--input-type=module-typescript", "-e", PROGRAM, ending];
  const env = { ...process.env, TMPDIR: folder };
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(child, "close");
  const [path] = await once(child.stdout, "data");
  expect(`${path}`).toContain(folder);
  if (signal !== undefined) child.kill(signal);
  expect(await ended).toEqual([code, null]);
  expect(readdirSync(folder)).toEqual([]);
});
