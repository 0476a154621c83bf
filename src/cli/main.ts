#!/usr/bin/env node

// npx vitrine …, and npm run vitrine -- …

import { EXIT } from "./command.ts";
import { runProgram } from "./program.ts";

const interrupt = new AbortController();
process.on("SIGINT", () => {
  if (interrupt.signal.aborted) process.exit(EXIT.interrupted); // a second time: at once
  interrupt.abort();
});
let lost = false;
process.stdout.on("error", ({ code, message }: NodeJS.ErrnoException) => {
  // Whoever reads has seen enough, as `| head` has: what was begun is ended all the same, and the exit
  // code tells of it.
  if (code === "EPIPE" || lost) return;
  lost = true;
  console.error(`The output cannot be written: ${message}`);
  process.exitCode = EXIT.failed;
});
// Where nobody reads what is said on the way, the work goes on all the same.
process.stderr.on("error", () => {});

const exit = await runProgram(process.argv.slice(2), {
  folder: ".",
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  now: Date.now,
  interrupted: interrupt.signal,
});

if (!lost) process.exitCode = exit;
// What is still being asked for is not waited for; what is said is.
if (exit === EXIT.interrupted) process.stdout.write("", () => process.exit(exit));
