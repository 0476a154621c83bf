// npm run bench:keep: simulates what visitors see with several values of `keep`, with and without events. On two free cores
// it takes less than a minute. It writes fixtures/bench/keep.json, and its tables into the pages that have them. The text
// around them is to be changed by hand. With --quick it has the small site, and writes nothing.

import { once } from "node:events";
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { KEEP_RUNS, type KeepResult, keepTables, runKeep } from "./cost/keep.ts";
import { createAlbum } from "./cost/simulate.ts";
import { SITES } from "./cost/site.ts";
import { printTables, writeTables } from "./cost/tables.ts";

/** The part of a thread: of each `threads` runs, the one with the number `first`. */
type Part = { readonly first: number; readonly threads: number };

const site = process.argv.includes("--quick") ? SITES.small : SITES.medium;

if (isMainThread) await runInThreads();
else parentPort?.postMessage(runPart(workerData));

async function runInThreads(): Promise<void> {
  const threads = availableParallelism();
  const parts = await Promise.all(
    Array.from({ length: threads }, (_, first) => startThread({ first, threads })),
  );

  const results = new Map(parts.flat());
  const inOrder = KEEP_RUNS.flatMap((_, number) => results.get(number) ?? []);
  const tables = keepTables(site, inOrder);
  printTables(tables);
  if (site === SITES.medium) writeTables("fixtures/bench/keep.json", tables);
}

type NumberedResult = readonly [number, KeepResult];

async function startThread(part: Part): Promise<NumberedResult[]> {
  const worker = new Worker(import.meta.filename, {
    argv: process.argv.slice(2),
    workerData: part,
  });
  const [results] = await once(worker, "message");
  return results;
}

function runPart({ first, threads }: Part): NumberedResult[] {
  const album = createAlbum(site);
  const results: NumberedResult[] = [];
  for (const [number, run] of KEEP_RUNS.entries()) {
    if (number % threads === first) results.push([number, runKeep(site, album, run)]);
  }
  return results;
}
