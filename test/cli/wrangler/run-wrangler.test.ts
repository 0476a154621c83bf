// What reaches wrangler: its arguments and its stdin, and no secret of the environment. The file of secrets that it
// reads is gone after every ending of the program that no one can catch.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { oldFault } from "../../../src/cli/wrangler/packages.ts";
import {
  type RunWrangler,
  showWrangler,
  wranglerAt,
} from "../../../src/cli/wrangler/run-wrangler.ts";
import { ROOT } from "../../support/built.ts";
import { writeFakeWrangler } from "../../support/cli/fake-wrangler.ts";
import { createWorld } from "../../support/cli/vitrine.ts";
import { SECRETS } from "../../support/env.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

let folder: string;

beforeEach(() => {
  folder = createTemporaryFolder("vitrine-run-");
});
afterEach(() => void vi.unstubAllEnvs());

/** Runs a script in place of wrangler. @returns what it got, and its exit code */
async function run(env: Record<string, string>, input?: string) {
  const { script, got } = writeFakeWrangler(folder);
  const { world } = createWorld({ folder, env });
  const code = await wranglerAt(script)(world, ["deploy", "--env", ""], input, () => {});
  return { code, ...got() };
}

test("no secret of the environment reaches wrangler, in whatever case its name is spelt (S5)", async () => {
  const others = { OTHER_SECRET_ACCESS_KEY_NEXT: "x", HEALTH_TOKEN: "y" };
  const secrets = { ...SECRETS, ...others, CLOUDFLARE_SETUP_TOKEN: "z" };
  const spelt = Object.entries(secrets);
  const lower = spelt.map(([name, value]) => [name.toLowerCase(), value] as const);
  const { env } = await run({
    ...{ ...Object.fromEntries([...spelt, ...lower]), CLOUDFLARE_API_TOKEN: "kept" },
  });
  const names = Object.keys(env).map((name) => name.toUpperCase());
  for (const [name] of spelt) expect(names).not.toContain(name);
  expect(env["CLOUDFLARE_API_TOKEN"]).toBe("kept");
});

test("nothing of this process reaches wrangler, and its arguments name its environment (S5, S6)", async () => {
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "of-this-process");
  vi.stubEnv("CLOUDFLARE_ENV", "staging");
  const { env, argv } = await run({ CLOUDFLARE_ENV: "staging" });
  expect(Object.keys(env)).not.toContain("AWS_SECRET_ACCESS_KEY");
  expect(Object.keys(env)).not.toContain("CLOUDFLARE_ENV");
  expect(argv).toEqual(["deploy", "--env", ""]);
});

test.each([undefined, "text"])("without a terminal it asks nothing; stdin: %s", async (input) => {
  expect(await run({}, input)).toMatchObject({ code: 7, isInteractive: false, input: input ?? "" });
});

test("its lines are shown as it writes them, and no secret is in them (S5)", async () => {
  const { world, readScreens } = createWorld({ folder });
  const lines = ["\u2139\ufe0f  Uploading", "\u001b[31mThe key is a-secret\u001b[0m", "a \u202eb"];
  const run: RunWrangler = async (_world, _args, _input, show) => {
    for (const part of lines.join("\r\n").match(/.{1,7}/gsu) ?? []) show(part);
    return 0;
  };
  const config = { file: "wrangler.toml", environment: "production", environments: [] };
  await showWrangler(world, run, ["deploy"], { config, secrets: ["a-secret"] });
  expect(readScreens().err).toBe("  \u2139  Uploading\n  The key is …\n  a \\u202eb\n");
});

test("an old wrangler is refused", () => {
  const old = ["4.60.0", "4.163.9", "3.114.0"];
  const fresh = ["4.164.0", "4.164.0-beta.1", "4.200.1", "5.0.0"];
  expect([...old, ...fresh].filter((version) => oldFault(version))).toEqual(old);
});

/** Ends while wrangler runs, or waits there until a signal comes. */
const PROGRAM = `
  import { wranglerDeploy } from ${JSON.stringify(join(ROOT, "src/cli/deploy/wrangler-deploy.ts"))};
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
