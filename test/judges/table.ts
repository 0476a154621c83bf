// The table of counts that a judge prints at its end.

import { afterAll } from "vitest";

/** @param legend one sentence: what the numbers count, by what */
export function createTable(legend: string) {
  const rows: Record<string, Record<string, number>> = {};
  afterAll(() => {
    console.log(legend);
    console.table(rows);
  });
  const count = (row: string, column: string): void => {
    rows[row] = { ...rows[row], [column]: (rows[row]?.[column] ?? 0) + 1 };
  };
  return { rows, count };
}
