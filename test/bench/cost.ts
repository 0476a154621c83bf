// npm run bench:cost: simulates what a year costs, what visitors see, and what an outage of S3 shows. About five minutes.
// It writes fixtures/bench/cost.json, and its tables into the pages that have them. The text around them is to be changed
// by hand. With --quick it only shows that all of it works, and writes nothing.

import { parseArgs } from "node:util";
import { createProgress } from "../../src/cli/terminal/progress.ts";
import { runAll, STEPS, tablesOf } from "./cost/report.ts";
import { SITES } from "./cost/site.ts";
import { printTables, writeTables } from "./cost/tables.ts";

const { quick } = parseArgs({ options: { quick: { type: "boolean", default: false } } }).values;
const { stderr, env } = process;

const { small } = SITES;
const sites = quick ? { small, medium: small, large: small } : SITES;
const progress = createProgress({ stderr, env, now: Date.now }, "runs", STEPS);
const tables = tablesOf(runAll(sites, progress.step));
progress.clear();

printTables(tables);
if (!quick) writeTables("fixtures/bench/cost.json", tables);
