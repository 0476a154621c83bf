// npm run bench: measures what the Worker costs, compared with the floor. About ten minutes. It writes
// fixtures/bench/bench.json. With --quick it only shows that all of it works, and writes nothing.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createProgress } from "../../src/cli/terminal/progress.ts";
import { buildWorker, ROOT } from "../support/built.ts";
import { jsonOf, type Report, reportLines } from "./report.ts";
import { compare } from "./rounds.ts";
import { readSize } from "./size.ts";
import { lengthsOfKeys, sizesOfConfiguration, workloads } from "./workloads.ts";

const { quick } = parseArgs({ options: { quick: { type: "boolean", default: false } } }).values;
const { stderr, env } = process;

const effort = quick
  ? { rounds: 1, requests: 200, warmUp: 50 }
  : { rounds: 7, requests: 2_000, warmUp: 4_000 };

await buildWorker();
const all = workloads();
const sizes = sizesOfConfiguration().slice(0, quick ? 1 : undefined);
const lengths = lengthsOfKeys().slice(0, quick ? 1 : undefined);
const compared = all.length + sizes.length + lengths.length;
const parts = compared * (effort.rounds + 1);
const progress = createProgress({ stderr, env, now: Date.now }, "parts", parts);
const report: Report = {
  quick,
  gzip: readSize().gzipBytes,
  traffic: await compare(all, effort, progress.step),
  configuration: await compare(sizes, effort, progress.step),
  keys: await compare(lengths, effort, progress.step),
};
progress.clear();
for (const line of reportLines(report)) console.log(line);
if (!quick) writeFileSync(join(ROOT, "fixtures/bench/bench.json"), jsonOf(report));
