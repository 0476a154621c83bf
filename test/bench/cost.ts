// npm run bench:cost: simulates what a month costs with this design and with others.

import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { align, EXIT, isFault, say } from "../../src/cli/command.ts";
import { createProgress } from "../../src/cli/terminal/progress.ts";
import { HELP, type Options, readOptions } from "./cost-options.ts";
import {
  chartOf,
  compare,
  HEADINGS,
  jsonOf,
  notesOf,
  OUTAGE_HEADINGS,
  outageNoteOf,
  outageRowsOf,
  rowsOf,
  totalOf,
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
  const total = totalOf(settings);
  const progress = createProgress({ stderr, env, now: Date.now }, "requests", total);
  const report = compare(settings, maxAge, progress.step);
  progress.end();
  say(stdout, ...align([HEADINGS, ...rowsOf(report)]), "");
  say(stdout, "* the most for one object in one place while it is fresh there", ...notesOf(report));
  say(stdout, "", ...align([OUTAGE_HEADINGS, ...outageRowsOf(report)]), "", outageNoteOf(report));
  if (out === undefined) return;
  writeFileSync(join(out, "cost.json"), jsonOf(report));
  for (const shade of ["light", "dark"]) {
    writeFileSync(join(out, `cost-${shade}.svg`), chartOf(report, shade === "dark"));
  }
  say(stdout, `Wrote cost.json, cost-light.svg and cost-dark.svg to ${relative(".", out) || "."}.`);
}
