// A program in place of wrangler, which records its input.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What the program got. `isInteractive`: whether it may ask at a terminal. */
type Got = {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly input: string;
  readonly isInteractive: boolean;
};

/**
 * Writes the program. It prints its input and a failure, and ends with 7.
 * @returns its path, and a function that reads what it got
 */
export function writeFakeWrangler(folder: string): { script: string; got: () => Got } {
  const script = join(folder, "fake-wrangler.mjs");
  writeFileSync(
    script,
    `import { writeFileSync } from "node:fs";
    let input = "";
    for await (const chunk of process.stdin) input += chunk;
    const { argv, env, stdin, stdout } = process;
    const isInteractive = stdin.isTTY === true || stdout.isTTY === true;
    const got = { argv: argv.slice(2), env, input, isInteractive };
    writeFileSync("ran.json", JSON.stringify(got));
    console.log("Got", input);
    console.error("and failed");
    process.exitCode = 7;`,
  );

  return { script, got: () => JSON.parse(readFileSync(join(folder, "ran.json"), "utf8")) };
}
