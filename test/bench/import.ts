// npm run bench:import: simulates an import, with the Worker's own code and a clock that does not wait. A minute at most.
// It writes fixtures/bench/import.json, and its table into docs/events.md. With --quick it only shows that all of it
// works, and writes nothing.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createProgress } from "../../src/cli/terminal/progress.ts";
import { ROOT } from "../support/built.ts";
import { loadWorker } from "./import/load-worker.ts";
import { FULL, importTable, ROWS, runRows, summaryOf } from "./import/report.ts";

const { quick } = parseArgs({ options: { quick: { type: "boolean", default: false } } }).values;
const { stderr, env } = process;

const size = quick ? { created: 500, replaced: 10, minutes: 3 } : FULL;
const progress = createProgress({ stderr, env, now: Date.now }, "imports", ROWS.length);
const rows = await runRows(await loadWorker(), size, progress.step);
progress.clear();

const lines = importTable(rows, size);
for (const line of lines) console.log(line);
if (!quick) {
  const text = `${JSON.stringify({ lines, rows: rows.map(summaryOf) }, undefined, 2)}\n`;
  writeFileSync(join(ROOT, "fixtures/bench/import.json"), text);
  writeTable(join(ROOT, "docs/events.md"), lines);
}

/** Replaces the table whose first heading is about an import. */
function writeTable(file: string, table: readonly string[]): void {
  const text = readFileSync(file, "utf8");
  const [head = ""] = table;
  const start = text.indexOf(head.split(" |", 1).join().trimEnd());
  if (start === -1) throw new Error(`${file} has no table of an import`);

  const stop = text.indexOf("\n\n", start);
  writeFileSync(file, text.slice(0, start) + table.join("\n") + text.slice(stop));
}
