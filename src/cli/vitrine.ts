#!/usr/bin/env node
// npx vitrine …, and npm run vitrine -- …

import { runProgram } from "./program.ts";
import { EXIT } from "./world.ts";

const interrupt = new AbortController();
process.on("SIGINT", () => {
  if (interrupt.signal.aborted) process.exit(EXIT.interrupted); // a second time: at once
  interrupt.abort();
});
// Whoever reads has seen enough, as `| head` has.
process.stdout.on("error", () => process.exit(EXIT.done));

process.exitCode = await runProgram(process.argv.slice(2), {
  folder: ".",
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  now: Date.now,
  interrupted: interrupt.signal,
});
