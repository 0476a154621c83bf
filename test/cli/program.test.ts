// What all commands share: help, exit codes, which screen says what, and the real process.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runProgram } from "../../src/cli/program.ts";
import { QUIET, ROOT } from "../support/built.ts";
import { createFolder, HOST } from "../support/cli/folder.ts";
import { expectGolden } from "../support/cli/golden.ts";
import { type CommandResult, createWorld, vitrine } from "../support/cli/vitrine.ts";
import { SECRETS } from "../support/env.ts";

const folder = createFolder({}, {});

const { out: overview } = await vitrine(["--help"]);
const names = [...overview.matchAll(/^ {2}(?!help\b)([a-z]+)(?:\|[a-z]+)?(?: [[<]| {2})/gm)].map(
  ([, name = ""]) => name,
);

test.each(names)("vitrine %s --help prints usage and examples on stdout", async (name) => {
  const { code, out, err } = await vitrine([name, "--help"]);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toMatch(new RegExp(`^Usage: vitrine ${name}[ |].*\n\n`));
  expect(out).toMatch(new RegExp(`\nExamples:\n(?:.*\n)*? {2}.*vitrine ${name}\\b`));
  expect(await vitrine(["help", name])).toEqual({ code, out, err });
});

test("what makes no sense ends with 3, and stderr says what does", async () => {
  const results: [string, CommandResult][] = [];
  for (const args of [
    ...[["ulr"], ["url"], ["url", "a", "b"], ["url", "a", "--prest", "card"]],
    ...[["url", "a", "--preset"], ["\u001b[31mred"]],
  ]) {
    const ended = await vitrine(args, { folder });
    expect([args, ended.code, ended.out]).toEqual([args, 3, ""]);
    results.push([JSON.stringify(args), ended]);
  }
  await expectGolden("program.txt", results);
  expect(await vitrine([])).toMatchObject({ code: 3, out: "", err: overview });
});

const terminal = { isTTY: true, columns: 80 } as const;
const RED = "\u001b[31m";

test("a fault is red on a terminal, if its user allows colours", async () => {
  const plain = '"a//b": an empty segment\n';
  const run = async (env: Record<string, string>, screen = {}) =>
    (await vitrine(["url", "a//b"], { folder, env, ...screen })).err;
  const painted = await run({ NO_COLOR: "", TERM: "xterm" }, { terminal });
  expect(painted).toBe(`${RED}${plain.trimEnd()}\u001b[39m\n`);
  expect(await run({ NO_COLOR: "1" }, { terminal })).toBe(plain);
  expect(await run({ TERM: "dumb" }, { terminal })).toBe(plain);
  expect(await run({ FORCE_COLOR: "1" })).toBe(plain);
});

test("after Ctrl-C it ends with 130", async () => {
  const interrupted = AbortSignal.abort();
  expect((await vitrine(["url", "a.jpg"], { folder, interrupted })).code).toBe(130);
});

/** Runs the command with a local run that only says how it would start. */
async function dev(args: readonly string[], env: Record<string, string> = {}) {
  const { world, readScreens } = createWorld({ env });
  const started: unknown[] = [];
  const code = await runProgram(["dev", ...args], world, async () => async (...how) => {
    expect(how.pop()).toBe(world.interrupted);
    started.push(how);
    return how[1] === "1" ? { fault: "it does not start" } : undefined;
  });
  return { code, started, ...readScreens() };
}

/** Nobody else has to do with the local run. */
const ALONE = { hasUploads: false, host: undefined };

test.each<[args: string[], env: Record<string, string>, how: unknown[]]>([
  [[], {}, [undefined, undefined, ALONE]],
  [[], { PORT: "9000", CLOUDFLARE_ENV: "staging" }, ["staging", "9000", ALONE]],
  [["--env", ""], { CLOUDFLARE_ENV: "staging" }, [undefined, undefined, ALONE]],
  [["--uploads"], {}, [undefined, undefined, { ...ALONE, hasUploads: true }]],
  [["--host"], {}, [undefined, undefined, { ...ALONE, host: true }]],
  [["--host", "192.168.1.5"], {}, [undefined, undefined, { ...ALONE, host: "192.168.1.5" }]],
])("vitrine dev %j, with %j, starts %j", async (args, env, how) => {
  expect(await dev(args, env)).toEqual({ code: 0, started: [how], out: "", err: "" });
});

test("if it cannot start, vitrine dev says why, and ends with 2", async () => {
  expect(await dev([], { PORT: "1" })).toMatchObject({ code: 2, err: "it does not start\n" });
});

describe("as a process", () => {
  const start = (args: string[], stdout: "pipe" | number = "pipe") =>
    spawn(process.execPath, [join(ROOT, "src/cli/main.ts"), ...args], {
      cwd: folder,
      env: { ...QUIET, ...SECRETS },
      stdio: ["ignore", stdout, "pipe"],
    });

  /** How it ended, and what it said. */
  async function ended(child: ChildProcess) {
    const output = { code: -1, out: "", err: "" };
    child.stdout?.on("data", (data) => (output.out += data));
    child.stderr?.on("data", (data) => (output.err += data));
    const code = await new Promise<number | null>((settle) => child.on("close", settle));
    return { ...output, code };
  }

  test.concurrent("it prints its result as it is, and nothing else", async () => {
    const out = `${HOST}/images/card@2x/docs/errors.md\n`;
    const child = start(["url", "docs/errors.md", "-p", "card@2x"]);
    expect(await ended(child)).toEqual({ code: 0, out, err: "" });
  });

  test.concurrent.each([
    ["url photos/fig.jpg", 0],
    ["purge --help", 0],
    ["purge photos/fig.jpg", 2],
  ] as const)("%s ends as usual if the reader closes, as | head does", async (command, code) => {
    const args = command.split(" ");
    const child = start(args);
    child.stdout?.destroy();
    const { err, ...rest } = await ended(child);
    expect({ ...rest, command }).toEqual({ code, out: "", command });
    expect(err).not.toMatch(/EPIPE|^ {4}at /m);
  });

  test.concurrent("it says so if its output cannot be written", async () => {
    const unwritable = openSync(join(folder, "wrangler.toml"), "r");
    const { code, err } = await ended(start(["url", "photos/fig.jpg"], unwritable));
    closeSync(unwritable);
    expect(code).toBe(2);
    expect(err).toMatch(/^The output cannot be written: EBADF.*\n$/);
  });
});
