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

/** Ends within `use`, or waits there until a signal comes. */
const PROGRAM = `
  import { withTemporaryFolder } from ${JSON.stringify(join(ROOT, "src/cli/deploy/wrangler-deploy.ts"))};
  import { writeFileSync } from "node:fs";
  await withTemporaryFolder(async (folder) => {
    writeFileSync(folder + "/secrets.json", "{}");
    process.stdout.write(folder);
    if (process.argv[1] === "exit") process.exit(130);
    if (process.argv[1] === "throw") throw new Error("a bug");
    await new Promise((settle) => setTimeout(settle, 3_600_000));
  });`;

test.each<[ending: string, signal: NodeJS.Signals | null]>([
  ["a cancelled job", "SIGTERM"],
  ["a closed terminal", "SIGHUP"],
  ["Ctrl-\\", "SIGQUIT"],
  ["exit", null],
  ["throw", null],
])("after %s, no secret stays on the disk (S5)", async (ending, signal) => {
  const args = ["--input-type=module-typescript", "-e", PROGRAM, ending];
  const env = { ...process.env, TMPDIR: folder };
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(child, "close");
  const [made] = await once(child.stdout, "data");
  expect(`${made}`).toContain(folder);
  if (signal !== null) child.kill(signal);
  const [, by] = await ended;
  expect([by, readdirSync(folder)]).toEqual([signal, []]);
});
