// Runs `vitrine` as a function, and searches what it prints for secrets.

import { PassThrough, Readable } from "node:stream";
import type { World } from "../../../src/cli/command.ts";
import { runProgram } from "../../../src/cli/program.ts";
import { overhear } from "../overheard.ts";

export type Ended = { readonly code: number; readonly out: string; readonly err: string };

/** The world of a test. By default stdin is empty, and no screen is a terminal. */
export type Given = Partial<Omit<World, "stdin" | "stdout" | "stderr">> & {
  readonly stdin?: string | Readable;
  /** Makes both screens this terminal. */
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
  // `sign` is meant to print signatures.
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
