// The tables of a simulation: how their cells are written, and where they go: on the screen, into their pages, and into a
// file of figures, so that a test can compare the pages with it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../support/built.ts";

/** A table in Markdown, and the page that has it. */
export type Table = { readonly page: string; readonly lines: readonly string[] };

export type CellWriter = (value: number) => string;

/** The lowest and the highest value, or one of them where both have the same text. */
export function range(values: readonly number[], write: CellWriter): string {
  const min = write(Math.min(...values));
  const max = write(Math.max(...values));
  if (min === max) return min;

  // The unit stands once: 1–2 GB.
  const [number] = min.split(" ");
  return `${number}–${max}`;
}

export function percents(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

export function printTables(tables: readonly Table[]): void {
  for (const { page, lines } of tables) console.log(`${page}:\n${lines.join("\n")}\n`);
}

/** @param file for the figures, below the repository's root */
export function writeTables(file: string, tables: readonly Table[]): void {
  const text = `${JSON.stringify({ tables }, undefined, 2)}\n`;
  writeFileSync(join(ROOT, file), text);
  for (const table of tables) writeIntoPage(table);
}

/** Replaces the table with the same first heading. */
function writeIntoPage({ page, lines }: Table): void {
  const path = join(ROOT, page);
  const [head = ""] = lines;
  const [firstCell = ""] = head.split(" |");
  const firstHeading = firstCell.trimEnd();
  const text = readFileSync(path, "utf8");

  const start = text.indexOf(firstHeading);
  if (start === -1) throw new Error(`${page} has no table "${firstHeading}"`);
  const stop = text.indexOf("\n\n", start);
  writeFileSync(path, text.slice(0, start) + lines.join("\n") + text.slice(stop));
}
