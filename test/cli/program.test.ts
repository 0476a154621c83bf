// What all commands share: help, exit codes, which screen says what, and the real process.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { QUIET, ROOT } from "../support/built.ts";
import { HOST, makeFolder } from "../support/cli/folder.ts";
import { vitrine } from "../support/cli/vitrine.ts";
import { SECRETS } from "../support/env.ts";

const folder = makeFolder({}, {});

const { out: overview } = await vitrine(["--help"]);
const names = [...overview.matchAll(/^ {2}(?!help\b)([a-z]+)(?:\|[a-z]+)?(?: \[| {2})/gm)].map(
  ([, name = ""]) => name,
);

test("vitrine --help names the commands and the exit codes", () => {
  expect(names).toEqual(expect.arrayContaining(["check", "client", "url", "explain"]));
  for (const code of [0, 1, 2, 3, 130]) expect(overview).toMatch(new RegExp(`^ {2}${code} `, "m"));
});

test.each(names)("vitrine %s --help prints usage and examples on stdout", async (name) => {
  const { code, out, err } = await vitrine([name, "--help"]);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toMatch(new RegExp(`^Usage: vitrine ${name}[ |].*\n\n`));
  expect(out).toMatch(new RegExp(`\nExamples:\n(?:.*\n)*? {2}.*vitrine ${name}\\b`));
  expect(await vitrine(["help", name])).toEqual({ code, out, err });
});

test.each<[args: string[], err: RegExp]>([
  [
    ["ulr"],
    /^error: unknown command 'ulr'\n\(Did you mean url\?\)\n\(npx vitrine --help says more\)\n$/,
  ],
  [[], /^Usage: vitrine [\s\S]*Exit codes:/],
  [["url"], /missing required argument 'object'\n\(npx vitrine url --help says more\)/],
  [["url", "a", "b"], /too many arguments for 'url'/],
  [["url", "a", "--prest", "card"], /'--prest'\n\(Did you mean --preset\?\)\n\(npx vitrine url/],
  [["url", "a", "--preset"], /'-p, --preset <name>' argument missing/],
  [["\u001b[31mred"], /unknown command '\\u001b\[31mred'/],
])("%j makes no sense: it ends with 3, and stderr says what does", async (args, err) => {
  const ended = await vitrine(args, { folder });
  expect([ended.code, ended.out]).toEqual([3, ""]);
  expect(ended.err).toMatch(err);
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

describe("as a process", () => {
  const start = (args: string[], stdout: "pipe" | number = "pipe", cwd = folder) =>
    spawn(process.execPath, [join(ROOT, "src/cli/main.ts"), ...args], {
      cwd,
      env: { ...QUIET, ...SECRETS },
      stdio: ["ignore", stdout, "pipe"],
    });

  /** How it ended, and what it said. */
  async function ended(child: ChildProcess) {
    const said = { code: -1, out: "", err: "" };
    child.stdout?.on("data", (data) => (said.out += data));
    child.stderr?.on("data", (data) => (said.err += data));
    const code = await new Promise<number | null>((settle) => child.on("close", settle));
    return { ...said, code };
  }

  test.concurrent("it prints its result as it is, and nothing else", async () => {
    const out = `${HOST}/images/card@2x/docs/errors.md\n`;
    const child = start(["url", "docs/errors.md", "-p", "card@2x"]);
    expect(await ended(child)).toEqual({ code: 0, out, err: "" });
  });

  test.concurrent("a page of the documentation is named by where it is", async () => {
    const broken = makeFolder({ PRESETS: { card: { width: 0 } } });
    const { err } = await ended(start(["check"], "pipe", broken));
    expect(err).toMatch(/What is allowed: \S+\/docs\/configuration\.md#varspresetsname$/m);
  });

  test.concurrent.each([
    ["url photos/fig.jpg", 0],
    ["purge --help", 0],
    ["purge photos/fig.jpg", 2],
  ] as const)(
    "%s ends as usual if the reader closes, as | head does, and prints no error",
    async (command, code) => {
      const args = command.split(" ");
      const child = start(args);
      child.stdout?.destroy();
      const { err, ...rest } = await ended(child);
      expect({ ...rest, command }).toEqual({ code, out: "", command });
      expect(err).not.toMatch(/EPIPE|^ {4}at /m);
    },
  );

  test.concurrent("it says so if its output cannot be written", async () => {
    const unwritable = openSync(join(folder, "wrangler.toml"), "r");
    const { code, err } = await ended(start(["url", "photos/fig.jpg"], unwritable));
    closeSync(unwritable);
    expect(code).toBe(2);
    expect(err).toMatch(/^The output cannot be written: EBADF.*\n$/);
  });
});
