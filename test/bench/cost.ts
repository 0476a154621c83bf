// npm run bench:cost: simulates what months cost, and what visitors see.

import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { align, EXIT, isFault, say } from "../../src/cli/command.ts";
import { createProgress } from "../../src/cli/terminal/progress.ts";
import { HELP, type Options, readOptions } from "./cost-options.ts";
import {
  COST_HEADINGS,
  compare,
  costRowsOf,
  jsonOf,
  outageNoteOf,
  STEPS,
  storeNoteOf,
  VISITOR_HEADINGS,
  visitorRowsOf,
} from "./cost-report.ts";
import { isFolder } from "./folder.ts";

const ROOT = join(import.meta.dirname, "../..");
const { stdout, stderr, env } = process;

const options = readOptions(process.argv.slice(2), join(ROOT, "fixtures/bench"));
if (options === undefined) say(stdout, HELP);
else if (isFault(options)) {
  say(stderr, options.fault, "Options come after two dashes: npm run bench:cost -- --seed 7", "");
  say(stderr, HELP);
  process.exitCode = EXIT.failed;
} else run(options);

function run({ settings, maxAge, out }: Options): void {
  if (out !== undefined && !isFolder(out, stderr)) return;
  const progress = createProgress({ stderr, env, now: Date.now }, "months", STEPS);
  const report = compare(settings, maxAge, () => progress.step(1));
  progress.end();
  say(stdout, ...align([VISITOR_HEADINGS, ...visitorRowsOf(report)]), "", outageNoteOf(report), "");
  say(stdout, ...align([COST_HEADINGS, ...costRowsOf(report)]), "", storeNoteOf(report));
  if (out === undefined) return;
  writeFileSync(join(out, "cost.json"), jsonOf(report));
  say(stdout, "", `Wrote cost.json to ${relative(".", out) || "."}.`);
}
