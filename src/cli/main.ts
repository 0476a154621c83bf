// The process of `vitrine`, which vitrine.js begins: signals, screens and the exit code.

import { EXIT, type World } from "./command.ts";
import { runProgram } from "./program.ts";

const interrupt = new AbortController();
process.on("SIGINT", () => {
  if (interrupt.signal.aborted) process.exit(EXIT.interrupted); // the second time: at once
  interrupt.abort();
});
let lost = false;
process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
  // The reader has closed, as `| head` does. The work goes on, and the exit code says how it ended.
  if (code === "EPIPE" || lost) return;
  lost = true;
  console.error(`The output cannot be written: ${message}`);
  process.exitCode = EXIT.failed;
});
// The work also goes on if nobody reads stderr.
process.stderr.on("error", () => {});

const world: World = {
  folder: ".",
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  now: Date.now,
  interrupted: interrupt.signal,
};
const loadLocal = async () => (await import("../dev/start.ts")).startLocal;
const exit = await runProgram(process.argv.slice(2), world, loadLocal);

if (!lost) process.exitCode = exit;
// After Ctrl-C, do not wait for open requests; only for the output.
if (exit === EXIT.interrupted) process.stdout.write("", () => process.exit(exit));
