// Runs `vitrine` as a function, and searches what it prints for secrets.

import { PassThrough, Readable } from "node:stream";
import type { World } from "../../../src/cli/command.ts";
import { runProgram } from "../../../src/cli/program.ts";
import { overhear } from "../overheard.ts";

export type CommandResult = { readonly code: number; readonly out: string; readonly err: string };

/** The world of a test. By default stdin is empty, and no screen is a terminal. */
export type WorldOptions = Partial<Omit<World, "stdin" | "stdout" | "stderr">> & {
  readonly stdin?: string | World["stdin"];
  /** Makes both screens this terminal. */
  readonly terminal?: { readonly isTTY: true; readonly columns: number };
  /** Gets all that both screens show, each time that they show more. */
  readonly onOutput?: (screens: string) => void;
};

/** The local run starts other processes: test/dev/start.test.ts. */
const NOT_HERE = { fault: "the local run does not start in this test" };

export async function vitrine(
  args: readonly string[],
  options: WorldOptions = {},
): Promise<CommandResult> {
  const { world, readScreens } = createWorld(options);
  const code = await runProgram(args, world, async () => async () => NOT_HERE);
  const { out, err } = readScreens();
  const signs = args[0] === "sign" || args.includes("--sign"); // is meant to print signatures
  overhear("logged", signs ? err : out + err);
  return { code, out, err };
}

/** Creates the world of a command, and a function that gives what its screens show. */
export function createWorld(options: WorldOptions) {
  const { stdin = "", terminal, onOutput, ...changed } = options;
  const chunks = { out: [] as Buffer[], err: [] as Buffer[] };
  const readScreens = () => ({
    out: Buffer.concat(chunks.out).toString(),
    err: Buffer.concat(chunks.err).toString(),
  });

  const screen = (name: "out" | "err") => {
    const stream = new PassThrough();
    stream.on("data", (chunk: Buffer) => {
      chunks[name].push(chunk);
      onOutput?.(readScreens().err + readScreens().out);
    });
    return Object.assign(stream, terminal);
  };

  const world: World = {
    folder: ".",
    env: {},
    now: Date.now,
    interrupted: new AbortController().signal,
    ...changed,
    stdin: typeof stdin === "string" ? Readable.from(stdin === "" ? [] : [stdin]) : stdin,
    stdout: screen("out"),
    stderr: screen("err"),
  };

  return { world, readScreens };
}
