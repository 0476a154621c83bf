// npm run bench: measures what the Worker costs, compared with the floor. About ten minutes.

import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { EXIT, say } from "../../src/cli/command.ts";
import { createProgress } from "../../src/cli/terminal/progress.ts";
import { buildWorker, ROOT } from "../support/built.ts";
import { pageNotes, pageTable } from "./bench-page.ts";
import { chartOf, jsonOf, type Report, tell } from "./bench-report.ts";
import { isFolder } from "./folder.ts";
import { firstAnswers, lengthsOfKeys, sizesOfConfiguration, watchMemory } from "./growth.ts";
import { compare } from "./rounds.ts";
import { readSize } from "./size.ts";
import { FIRST, subjects } from "./subjects.ts";

const HELP = `Measures what the Worker costs: npm run bench -- [options]

  --quick         a run that only shows that all of it works: half a minute, and no figures to keep
  --out <folder>  where to write bench.json and the charts (fixtures/bench, but not with --quick)

Nothing else should run on the machine meanwhile. It needs Linux or macOS, and two processors.
`;

const { stdout, stderr, env } = process;

function readOptions(args: string[]) {
  const options = {
    quick: { type: "boolean" },
    out: { type: "string" },
    help: { type: "boolean", short: "h" },
  } as const;
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    say(stderr, error instanceof Error ? error.message : `${error}`, "", HELP);
    process.exitCode = EXIT.failed;
    return undefined;
  }
}

async function run(quick: boolean, out: string | undefined): Promise<void> {
  if (out !== undefined && !isFolder(out, stderr)) return;
  const effort = quick
    ? { rounds: 1, requests: 500, warmUp: 100 }
    : { rounds: 5, requests: 5_000, warmUp: 5_000 };
  const keys = quick ? [10_000, 20_000] : [10_000, 1_000_000];
  const starts = quick ? 2 : 15;
  await buildWorker();
  const all = subjects();
  const [sizes, lengths] = [sizesOfConfiguration(), lengthsOfKeys()];
  const pair = all.filter(({ name }) => FIRST.includes(name));
  const compared = all.length + sizes.length + lengths.length;
  const parts = compared * (effort.rounds + 1) + (keys.at(-1) ?? 0) / 10_000 + 2 * starts;
  const progress = createProgress({ stderr, env, now: Date.now }, "parts", parts);
  const report: Report = {
    quick,
    size: readSize(),
    traffic: await compare(all, effort, progress.step),
    configuration: await compare(sizes, effort, progress.step),
    keys: await compare(lengths, effort, progress.step),
    firstAnswers: await firstAnswers(pair, starts, progress.step),
    memory: await watchMemory(keys, progress.step),
  };
  progress.end();
  say(stdout, ...tell(report));
  if (out === undefined) return;
  const json = jsonOf(report);
  writeFileSync(join(out, "bench.json"), json);
  for (const shade of ["light", "dark"]) {
    writeFileSync(join(out, `bench-${shade}.svg`), chartOf(JSON.parse(json), shade === "dark"));
  }
  say(stdout, "", `Wrote bench.json and two charts to ${relative(".", out) || "."}.`);
  const kept: Report = JSON.parse(json);
  say(stdout, "docs/performance.md needs these lines:", "", pageTable(kept), ...pageNotes(kept));
}

const options = readOptions(process.argv.slice(2));
if (options?.help) say(stdout, HELP);
else if (options !== undefined) {
  const { quick = false, out = quick ? undefined : join(ROOT, "fixtures/bench") } = options;
  await run(quick, out);
}
