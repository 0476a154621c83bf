// The table of counts that a judge prints at its end.

import { afterAll } from "vitest";

export function createTable() {
  const rows: Record<string, Record<string, number>> = {};
  afterAll(() => console.table(rows));
  const count = (row: string, column: string): void => {
    rows[row] = { ...rows[row], [column]: (rows[row]?.[column] ?? 0) + 1 };
  };
  return { rows, count };
}
