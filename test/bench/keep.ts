// npm run bench:keep: simulates what visitors see with several values of `keep`, with and without events. On two free cores
// it takes less than a minute. It writes fixtures/bench/keep.json, and its tables into the pages that have them. The text
// around them is to be changed by hand. With --quick it has the small site, and writes nothing.

import { once } from "node:events";
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { KEEP_RUNS, type KeepResult, type KeepRun, keepTables, runKeep } from "./cost/keep.ts";
import { createAlbum } from "./cost/simulate.ts";
import { SITES } from "./cost/site.ts";
import { printTables, writeTables } from "./cost/tables.ts";

/** The part of a thread: of each `threads` runs, the one with the number `first`. */
type Part = { readonly first: number; readonly threads: number };

/** A run, as a text, and its result. */
type NamedResult = readonly [string, KeepResult];

const site = process.argv.includes("--quick") ? SITES.small : SITES.medium;

if (isMainThread) await runInThreads();
else parentPort?.postMessage(runPart(workerData));

async function runInThreads(): Promise<void> {
  const threads = availableParallelism();
  const parts = await Promise.all(
    Array.from({ length: threads }, (_, first) => startThread({ first, threads })),
  );

  const results = new Map(parts.flat());
  const inOrder = KEEP_RUNS.flatMap((run) => results.get(nameOf(run)) ?? []);
  const tables = keepTables(site, inOrder);
  printTables(tables);
  if (site === SITES.medium) writeTables("fixtures/bench/keep.json", tables);
}

async function startThread(workerPart: Part): Promise<NamedResult[]> {
  const worker = new Worker(import.meta.filename, {
    argv: process.argv.slice(2),
    workerData: workerPart,
  });
  const [results] = await once(worker, "message");
  return results;
}

/** Equal runs are run once. */
function runPart({ first, threads }: Part): NamedResult[] {
  const album = createAlbum(site);
  const runs = new Map(KEEP_RUNS.map((run) => [nameOf(run), run]));
  const part = [...runs].filter((_, number) => number % threads === first);
  return part.map(([name, run]) => [name, runKeep(site, album, run)]);
}

function nameOf(run: KeepRun): string {
  return JSON.stringify(run);
}
