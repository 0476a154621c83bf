import { PassThrough, Readable } from "node:stream";
import { expect, test } from "vitest";
import { linesOf } from "../../../src/cli/terminal/lines.ts";

const never = new AbortController().signal;

async function linesIn(stdin: Readable, stop = never) {
  const lines: unknown[] = [];
  for await (const line of linesOf(stdin, stop)) lines.push(line);
  return lines;
}

const read = (chunks: readonly (string | Uint8Array)[]) => linesIn(Readable.from(chunks));

test.each<[string, text: string, lines: string[]]>([
  ["nothing", "", []],
  ["no end of the last line", "a\nb", ["a", "b"]],
  ["lines of Windows", "\uFEFFa\r\nb\r\n", ["a", "b"]],
  ["empty lines", "\n\na\n\r\n\nb\n\n", ["a", "b"]],
  ["spaces", " a \n\tb\t\n  \n", [" a ", "\tb\t", "  "]],
  ["what ends lines elsewhere", "a\u2028b\u2029c\u0085d\n", ["a\u2028b\u2029c\u0085d"]],
  ["a CR within", "a\rb\r\r\n", ["a\rb\r"]],
  ["a mark that begins another line", "a\n\uFEFFb", ["a", "\uFEFFb"]],
  ["letters of several bytes", "caf\u00e9\n日本\n😀", ["caf\u00e9", "日本", "😀"]],
])("%s, in one piece and byte by byte", async (_what, text, lines) => {
  expect(await read(text === "" ? [] : [text])).toEqual(lines);
  expect(await read([...Buffer.from(text)].map((byte) => Uint8Array.of(byte)))).toEqual(lines);
});

test("a line that is not UTF-8 is told, and the others are read", async () => {
  const bytes = Buffer.concat([Buffer.from("a\n"), Buffer.of(0xe9, 0x0a), Buffer.from("b")]);
  expect(await read([bytes])).toEqual(["a", { given: "\ufffd", reason: "is not UTF-8" }, "b"]);
});

test("a line that is too long is told by its beginning, and the others are read", async () => {
  const long = Buffer.alloc(200_000, "x");
  const told = { given: `${"x".repeat(80)}…`, reason: "is longer than 64 KiB, which no key is" };
  const most = "y".repeat(65_536);
  expect(await read(["a\n", long, long, "\nb\n", most, "\nc\n", most, "y\nd"])).toEqual([
    ...["a", told, "b", most, "c"],
    { ...told, given: `${"y".repeat(80)}…` },
    "d",
  ]);
  expect(await read([long])).toEqual([told]);
});

test("a line without an end does not take more and more time", async () => {
  const chunk = Buffer.alloc(65_536, "x");
  const endless = Readable.from(
    (function* () {
      for (let at = 0; at < 4_096; at += 1) yield chunk;
    })(),
  );
  expect(await linesIn(endless)).toHaveLength(1);
});

test("the pieces of a line are joined once", async () => {
  const pieces = Array.from({ length: 60_000 }, () => Uint8Array.of(0x78));
  expect(await read(pieces)).toEqual(["x".repeat(60_000)]);
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
  expect(await linesIn(new PassThrough(), stop.signal)).toEqual([]);
});

test("a stream that breaks off throws", async () => {
  const broken = Readable.from(
    (function* () {
      yield "a\n";
      throw new Error("EIO");
    })(),
  );
  await expect(linesIn(broken)).rejects.toThrow("EIO");
});
