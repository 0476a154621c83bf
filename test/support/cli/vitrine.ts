// `vitrine` as a function: what it says on either screen is kept, and searched for secrets.

import { PassThrough, Readable } from "node:stream";
import type { World } from "../../../src/cli/command.ts";
import { runProgram } from "../../../src/cli/program.ts";
import { overhear } from "../overheard.ts";

export type Ended = { readonly code: number; readonly out: string; readonly err: string };

/** The world of a test, on which nothing is typed and nothing is a terminal unless it says so. */
export type Given = Partial<Omit<World, "stdin" | "stdout" | "stderr">> & {
  readonly stdin?: string | Readable;
  /** What both screens are. */
  readonly terminal?: { readonly isTTY: true; readonly columns: number };
};

/** Runs a command. */
export async function vitrine(args: readonly string[], given: Given = {}): Promise<Ended> {
  const { stdin = "", terminal, ...world } = given;
  const [out, err] = [screen(), screen()];
  const code = await runProgram(args, {
    folder: ".",
    env: {},
    now: Date.now,
    interrupted: new AbortController().signal,
    ...world,
    stdin: typeof stdin === "string" ? Readable.from(stdin === "" ? [] : [stdin]) : stdin,
    stdout: Object.assign(out.stream, terminal),
    stderr: Object.assign(err.stream, terminal),
  });
  // URLs that `sign` makes are what it is for.
  const told = args[0] === "sign" ? err.text() : out.text() + err.text();
  overhear("logged", told);
  return { code, out: out.text(), err: err.text() };
}

function screen() {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString() };
}
