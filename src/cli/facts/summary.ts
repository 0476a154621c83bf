// Sums up what vitrine facts did, and names each key that has no facts. Pure.

import { align } from "../command.ts";
import { count, counted } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";
import type { Outcome } from "./read-all.ts";

/** How many of the objects that are not pictures are named: a bucket may have many. */
const NAMED = 10;

export function summaryLines(outcome: Outcome, record: string): string[] {
  const { facts, missing, foreign, read, left, stopped } = outcome;
  const rows: [string, string][] = [
    ["Facts", `${count(facts.size)}, ${counted(read, "original")} read now`],
  ];
  if (foreign.length > 0) rows.push(["No picture", `${count(foreign.length)}: ${some(foreign)}`]);
  if (missing.size > 0) rows.push(["Missing", count(missing.size)]);
  if (left > 0) rows.push(["Not asked for", count(left)]);
  const lines = align(rows);
  for (const [key, why] of [...missing].sort(([one], [other]) => (one < other ? -1 : 1))) {
    lines.push(`  ${key}: ${why}`);
  }
  if (stopped !== undefined) lines.push(`Stopped before the end: ${stopped}.`);
  if (left > 0) lines.push(`To continue, run it again: ${record} has what is read.`);
  return lines.map(visible);
}

function some(keys: readonly string[]): string {
  const named = keys.toSorted().slice(0, NAMED);
  return named.join(", ") + (keys.length > named.length ? ", …" : "");
}
