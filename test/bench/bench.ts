// npm run bench: measures what the Worker costs, compared with the floor. About ten minutes. It writes
// fixtures/bench/bench.json, and its tables into docs/performance.md. With --quick it only shows that all of it works, and
// writes nothing. With --tokens it only measures hits with a token, in a minute.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createProgress } from "../../src/cli/terminal/progress.ts";
import { buildWorker, ROOT } from "../support/built.ts";
import { jsonOf, type Report, reportLines, writeTables } from "./report.ts";
import { compare } from "./rounds.ts";
import { readSize } from "./size.ts";
import { lengthsOfKeys, sizesOfConfiguration, tokenWorkloads, workloads } from "./workloads.ts";

const options = {
  quick: { type: "boolean", default: false },
  tokens: { type: "boolean", default: false },
} as const;
const { quick, tokens: onlyTokens } = parseArgs({ options }).values;
const { stderr, env } = process;
const file = join(ROOT, "fixtures/bench/bench.json");
const page = join(ROOT, "docs/performance.md");

const effort = quick
  ? { rounds: 1, requests: 200, warmUp: 50 }
  : { rounds: 7, requests: 2_000, warmUp: 4_000 };

await buildWorker();
const all = workloads();
const withToken = tokenWorkloads();
const sizes = sizesOfConfiguration().slice(0, quick ? 1 : undefined);
const lengths = lengthsOfKeys().slice(0, quick ? 1 : undefined);
const others = onlyTokens ? 0 : all.length + sizes.length + lengths.length;
const parts = (others + withToken.length) * (effort.rounds + 1);
const progress = createProgress({ stderr, env, now: Date.now }, "parts", parts);
const tokens = await compare(withToken, effort, progress.step);
const report = onlyTokens ? { ...readReport(), tokens } : await measureAll();
progress.clear();
for (const line of reportLines(report)) console.log(line);
if (!quick) {
  writeFileSync(file, jsonOf(report));
  writeFileSync(page, writeTables(readFileSync(page, "utf8"), report));
}

/** What was measured before. */
function readReport(): Report {
  return JSON.parse(readFileSync(file, "utf8"));
}

async function measureAll(): Promise<Report> {
  return {
    ...{ quick, tokens, gzip: readSize().gzipBytes },
    traffic: await compare(all, effort, progress.step),
    configuration: await compare(sizes, effort, progress.step),
    keys: await compare(lengths, effort, progress.step),
  };
}
