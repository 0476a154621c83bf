// The simulated imports, and their table as docs/events.md has it.

import { count } from "../../../src/cli/terminal/progress.ts";
import { markdownTable } from "../../support/markdown-table.ts";
import { type ImportResult, type Scenario, simulateImport, type WorkerCode } from "./simulate.ts";

export type ImportSize = Pick<Scenario, "created" | "replaced" | "minutes">;

/** The import of the table. */
export const FULL: ImportSize = { created: 10_000, replaced: 200, minutes: 60 };

/** So much fails, now and then. */
const FAULTS = { purges: 5, storeCalls: 1, runs: 10 } as const;

const PAID = { maxSubrequests: 10_000 } as const;
const FREE = { maxSubrequests: 50 } as const;

const USUAL = {
  ...{ hasStore: true, ...PAID, maxBatchSize: 100, batchesPerIsolate: 20 },
  ...{ faults: FAULTS, seed: 7 },
} as const;

type Row = { readonly title: string; readonly change: Partial<Scenario> & Pick<Scenario, "way"> };

export const ROWS: readonly Row[] = [
  { title: "EventBridge, without a queue", change: { way: "purge" } },
  { title: "EventBridge and the queue", change: { way: "purge-and-queue" } },
  { title: "R2 and the queue", change: { way: "r2" } },
  { title: "R2, without a store", change: { way: "r2", hasStore: false } },
  { title: "R2, with 50 subrequests", change: { way: "r2", ...FREE } },
  { title: "R2, what the free plan has for a day", change: { way: "r2", ...FREE, created: 2_000 } },
  { title: "R2, all of it in 10 minutes", change: { way: "r2", minutes: 10 } },
];

export type ReportRow = { readonly title: string; readonly result: ImportResult };

/** @param title of one of ROWS */
export function simulateRow(
  worker: WorkerCode,
  title: string,
  change: ImportSize & Partial<Scenario>,
): Promise<ImportResult> {
  const row = ROWS.find((one) => one.title === title);
  if (!row) throw new Error(`the table has no row "${title}"`);
  return simulateImport(worker, { ...USUAL, ...row.change, ...change });
}

/** @param step is called after each row */
export async function runRows(
  worker: WorkerCode,
  size: ImportSize,
  step: () => void,
): Promise<ReportRow[]> {
  const rows: ReportRow[] = [];
  for (const { title, change } of ROWS) {
    const result = await simulateImport(worker, { ...USUAL, ...size, ...change });
    rows.push({ title, result });
    step();
  }
  return rows;
}

export function importTable(
  rows: readonly ReportRow[],
  { created, replaced, minutes }: ImportSize,
) {
  const first = `${count(created)} created, ${count(replaced)} replaced in ${minutes} minutes`;
  const head = [
    ...[first, "purges", "refused", "replaced: new after"],
    ...["the last one", "all done after", "never", "operations"],
  ];
  return markdownTable(head, rows.map(cellsOf));
}

/** The figures of a row. Infinity, which JSON has not, is a text. */
export function summaryOf({ title, result }: ReportRow) {
  const { replacedSeconds, createdSeconds, ...counts } = result;
  return {
    ...{ title, ...counts, allDone: durationOf(createdSeconds) },
    medianReplaced: durationOf(medianOf(replacedSeconds)),
    lastReplaced: durationOf(replacedSeconds.at(-1) ?? 0),
  };
}

function cellsOf({ title, result }: ReportRow): string[] {
  const { purges, refusedPurges, replacedSeconds, createdSeconds, lost, operations } = result;
  return [
    ...[title, count(purges), count(refusedPurges)],
    ...[durationOf(medianOf(replacedSeconds)), durationOf(replacedSeconds.at(-1) ?? 0)],
    ...[durationOf(createdSeconds), count(lost), count(operations)],
  ];
}

function medianOf(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function durationOf(seconds: number): string {
  if (seconds === Infinity) return "never";
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3_600)} h`;
}
