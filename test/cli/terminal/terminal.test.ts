// What goes between a terminal and the commands: lines of stdin, quoted commands, strangers' text, and progress.

import { execFileSync } from "node:child_process";
import { PassThrough, Readable } from "node:stream";
import { expect, test } from "vitest";
import { createProgress } from "../../../src/cli/terminal/progress.ts";
import { commandLine, shellQuote, visible } from "../../../src/cli/terminal/shell.ts";
import { readLines } from "../../../src/cli/urls/select-objects.ts";
import { HARD_KEYS } from "../../../src/dev/fixture-objects.ts";

async function linesIn(chunks: Iterable<string | Uint8Array>) {
  const lines: string[] = [];
  const stdin = Readable.from(chunks);
  for await (const line of readLines(stdin, new AbortController().signal)) lines.push(line);
  return lines;
}

test("lines of stdin, in one piece and byte by byte", async () => {
  for (const [text, lines] of [
    ["a\nb", ["a", "b"]],
    ["\uFEFFa\r\nb\r\n", ["a", "b"]],
    ["\n\na\n\r\n\nb\n\n", ["a", "b"]],
    [" a \n\tb\t\n  \n", [" a ", "\tb\t", "  "]],
    ["a\u2028b\u2029c\u0085d\n", ["a\u2028b\u2029c\u0085d"]],
    ["caf\u00e9\n日本\n😀", ["caf\u00e9", "日本", "😀"]],
  ] as const) {
    const bytes = [...Buffer.from(text)].map((byte) => Uint8Array.of(byte));
    for (const chunks of [[text], bytes]) expect(await linesIn(chunks)).toEqual(lines);
  }
});

test("a line without end is not kept in memory", async () => {
  const lines = await linesIn([...Array.from({ length: 4_096 }, () => "x".repeat(200_000)), "\nb"]);
  expect(lines.map(({ length }) => length)).toEqual([8_192, 1]);
});

test("a stop ends the lines, even if more may come; a stream that breaks off throws", async () => {
  const stop = new AbortController();
  const stdin = new PassThrough();
  stdin.write("a\nb");
  for await (const line of readLines(stdin, stop.signal)) {
    expect(line).toBe("a");
    setImmediate(() => stop.abort());
  }
  const broken = new PassThrough().destroy(new Error("EIO"));
  const read = async () => {
    for await (const line of readLines(broken, new AbortController().signal)) expect(line).toBe("");
  };
  await expect(read).rejects.toThrow("EIO");
});

test("a shell leaves every quoted key as it is", () => {
  const odd = ["it's", "$(date)", "`date`", "!!", "a;b", "~", "*", "", "-n", "a\nb", "=ls"];
  const keys = [...HARD_KEYS, ...odd];
  const script = `for key in ${keys.map(shellQuote).join(" ")}; do printf '%s\\0' "$key"; done`;
  const read = execFileSync("sh", ["-c", script], { encoding: "utf8" });
  expect(read.split("\0").slice(0, -1)).toEqual(keys);
});

test("a shell reads a command as it was given", () => {
  const flags = { secretsFile: "$HOME/a b", v: ["-1", "2"], yes: true, url: undefined } as const;
  const line = commandLine("purge", flags, ["-", "-n", "it's"]);
  const script = line.replace("npx vitrine", "printf '%s\\0'");
  const read = execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
  const options = ["--secrets-file", "$HOME/a b", "--v=-1", "--v", "2", "--yes"];
  expect(read).toEqual(["purge", ...options, "--", "-", "-n", "it's"]);
});

test("a terminal shows nothing that moves the cursor or hides text", () => {
  for (const [text, escaped] of [
    ["a\u001b[2Jb", "a\\u001b[2Jb"],
    ["\u202egpj.\u2066", "\\u202egpj.\\u2066"],
    ["\r\t\u009b\u2028\u2029\u007f", "\\u000d\\u0009\\u009b\\u2028\\u2029\\u007f"],
    ["a\u200b\ufe0f\u3164\u{e0041}", "a\\u200b\\ufe0f\\u3164\\udb40\\udc41"],
    ["one\ntwo café 写真 😀", "one\ntwo café 写真 😀"],
  ] as const) {
    expect(visible(text)).toBe(escaped);
  }
});

/** A screen, and what was written on it. */
function open(terminal: { isTTY?: true; columns?: number }, env: Record<string, string> = {}) {
  const stderr = Object.assign(new PassThrough({ encoding: "utf8" }), terminal);
  const clock = { now: 0 };
  const text = (): string => stderr.read() ?? "";
  return { world: { env, stderr, now: () => clock.now }, clock, text };
}

test("on a terminal, progress is one line that is overwritten, and fits", () => {
  const { world, clock, text } = open({ isTTY: true, columns: 27 });
  const progress = createProgress(world, "requests", 200);
  progress.step();
  expect(text()).toBe(""); // not so soon
  clock.now = 1_000;
  progress.step(49);
  const line = "\r50/200 requests, 3 s left\x1b[K";
  expect(text()).toBe(line);
  progress.log("404  \u202ea.jpg");
  expect(text()).toBe(`\r\x1b[K404  \\u202ea.jpg\n${line}`);
  clock.now = 60_000;
  progress.step(1);
  expect(text()).toBe("\r51/200 requests, 3 min lef\x1b[K");
  progress.step(149);
  expect(text()).toMatch(/^\r200\/200/);
  progress.clear();
  expect(text()).toBe("\r\x1b[K");
});

test.each([{}, { isTTY: true as const }])("elsewhere it is a line now and then: %j", (terminal) => {
  const { world, clock, text } = open(terminal, { TERM: "dumb" });
  const progress = createProgress(world, "requests");
  for (let at = 0; at < 100; at += 1) {
    clock.now += 1_000;
    progress.step(50);
  }
  progress.clear();
  expect(text()).toBe("1,500 requests\n3,000 requests\n4,500 requests\n");
});
