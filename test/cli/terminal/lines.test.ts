import { PassThrough, Readable } from "node:stream";
import { expect, test } from "vitest";
import { linesOf } from "../../../src/cli/terminal/lines.ts";

const never = new AbortController().signal;

async function linesIn(chunks: Iterable<string | Uint8Array> | Readable, stop = never) {
  const lines: unknown[] = [];
  const stdin = chunks instanceof Readable ? chunks : Readable.from(chunks);
  for await (const line of linesOf(stdin, stop)) lines.push(line);
  return lines;
}

test.each<[string, text: string, lines: string[]]>([
  ["no end of the last line", "a\nb", ["a", "b"]],
  ["lines of Windows", "\uFEFFa\r\nb\r\n", ["a", "b"]],
  ["empty lines", "\n\na\n\r\n\nb\n\n", ["a", "b"]],
  ["spaces", " a \n\tb\t\n  \n", [" a ", "\tb\t", "  "]],
  ["what ends lines elsewhere", "a\u2028b\u2029c\u0085d\n", ["a\u2028b\u2029c\u0085d"]],
  ["a CR within", "a\rb\r\r\n", ["a\rb\r"]],
  ["letters of several bytes", "caf\u00e9\n日本\n😀", ["caf\u00e9", "日本", "😀"]],
])("%s, in one piece and byte by byte", async (_what, text, lines) => {
  expect(await linesIn([text])).toEqual(lines);
  expect(await linesIn([...Buffer.from(text)].map((byte) => Uint8Array.of(byte)))).toEqual(lines);
});

test("a line that is not UTF-8 is told, and the others are read", async () => {
  const bytes = Buffer.concat([Buffer.from("a\n"), Buffer.of(0xe9, 0x0a), Buffer.from("b")]);
  expect(await linesIn([bytes])).toEqual(["a", { given: "\ufffd", reason: "is not UTF-8" }, "b"]);
});

test("a line that is too long is told by its beginning, and not kept in memory", async () => {
  const long = "x".repeat(200_000);
  const told = { given: `${"x".repeat(80)}…`, reason: "is longer than 64 KiB, which no key is" };
  const longest = "y".repeat(65_536);
  expect(await linesIn(["a\n", long, long, "\nb\n", longest, "\n", long])).toEqual([
    ...["a", told, "b", longest, told],
  ]);
  expect(await linesIn(Array.from({ length: 4_096 }, () => long))).toEqual([told]);
});

test("a stop ends them, even if more may come", async () => {
  const stop = new AbortController();
  const stdin = new PassThrough();
  stdin.write("a\nb");
  const lines: unknown[] = [];
  for await (const line of linesOf(stdin, stop.signal)) {
    lines.push(line);
    setImmediate(() => stop.abort());
  }
  expect(lines).toEqual(["a"]);
});

test("a stream that breaks off throws", async () => {
  const stdin = new PassThrough();
  stdin.destroy(new Error("EIO"));
  await expect(linesIn(stdin)).rejects.toThrow("EIO");
});
