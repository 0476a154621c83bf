// npm run bench:cost: simulates what a year costs, what visitors see, and what an outage of S3 shows. About five minutes.
// It writes fixtures/bench/cost.json, and its tables into the pages that have them. The text around them is to be changed
// by hand. With --quick it only shows that all of it works, and writes nothing.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createProgress } from "../../src/cli/terminal/progress.ts";
import { ROOT } from "../support/built.ts";
import { runAll, STEPS, tablesOf } from "./cost/report.ts";
import { SITES } from "./cost/site.ts";

const { quick } = parseArgs({ options: { quick: { type: "boolean", default: false } } }).values;
const { stderr, env } = process;

const { small } = SITES;
const sites = quick ? { small, medium: small, large: small } : SITES;
const progress = createProgress({ stderr, env, now: Date.now }, "runs", STEPS);
const tables = tablesOf(runAll(sites, progress.step));
progress.clear();

for (const { page, lines } of tables) {
  console.log(`${page}:`);
  for (const line of lines) console.log(line);
  console.log("");
}
if (!quick) {
  const text = `${JSON.stringify({ tables }, undefined, 2)}\n`;
  writeFileSync(join(ROOT, "fixtures/bench/cost.json"), text);
  for (const { page, lines } of tables) writeTable(join(ROOT, page), lines);
}

/** Replaces the table with the same first heading. */
function writeTable(file: string, lines: readonly string[]): void {
  const [head = ""] = lines;
  const [firstCell = ""] = head.split(" |");
  const firstHeading = firstCell.trimEnd();
  const text = readFileSync(file, "utf8");

  const start = text.indexOf(firstHeading);
  if (start === -1) throw new Error(`${file} has no table "${firstHeading}"`);
  const stop = text.indexOf("\n\n", start);
  writeFileSync(file, text.slice(0, start) + lines.join("\n") + text.slice(stop));
}
