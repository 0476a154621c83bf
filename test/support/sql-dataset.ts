// A dataset of Analytics Engine: SQLite, with the functions of Cloudflare's SQL reference that the queries call.

import { DatabaseSync } from "node:sqlite";
import { expect } from "vitest";
import type { Point } from "../../src/cli/metrics/points.ts";
import { sqlTime } from "../../src/cli/metrics/rows.ts";

const FUNCTIONS = [
  "SUM",
  "sumIf",
  "quantileExactWeighted",
  "NOW",
  "toUInt32",
  "toDateTime",
  "toStartOfInterval",
];

const UNITS_MS: Readonly<Record<string, number>> = {
  MINUTE: 60_000,
  HOUR: 3_600_000,
  DAY: 86_400_000,
};

/** @param now what `NOW()` is: ms since 1970 */
export function createDataset(name: string, points: readonly Point[], now = 0) {
  const db = new DatabaseSync(":memory:");
  db.function("NOW", () => now);
  db.function("toUInt32", Number);
  db.function("toDateTime", (text) => Date.parse(`${text}Z`));
  db.function("toStartOfInterval", (time, length) => {
    return sqlTime(Math.floor(Number(time) / Number(length)) * Number(length));
  });
  // A state of SQLite is a number or a text: here, the number of a list.
  const lists: Weighted[][] = [];
  db.aggregate("quantileExactWeighted", {
    start: () => lists.push([]) - 1,
    step: (list, level, value, weight) => {
      lists[Number(list)]?.push([Number(level), Number(value), Number(weight)]);
      return list;
    },
    result: (list) => quantileOf(lists[Number(list)] ?? []),
  });

  for (const [index, { time, weight, blobs, doubles }] of points.entries()) {
    if (index === 0) {
      const columns = [
        "timestamp INTEGER",
        "_sample_interval REAL",
        ...blobs.map((_, column) => `blob${column + 1} TEXT`),
        ...doubles.map((_, column) => `double${column + 1} REAL`),
      ];
      db.exec(`CREATE TABLE ${name} (${columns.join(", ")})`);
      db.exec("BEGIN");
    }
    const values = [time, weight, ...blobs, ...doubles];
    db.prepare(`INSERT INTO ${name} VALUES (${values.map(() => "?").join(", ")})`).run(...values);
  }
  db.exec("COMMIT");

  return {
    /** @returns the rows, as the API has them under `data` */
    ask(sql: string): object[] {
      const called = [...sql.matchAll(/\w+(?=\()/g)].map(([name]) => name);
      expect(called.filter((name) => !FUNCTIONS.includes(name))).toEqual([]);
      return db
        .prepare(inSqlite(sql))
        .all()
        .map((row) => ({ ...row }));
    },
  };
}

type Weighted = readonly [level: number, value: number, weight: number];

/** Each value stands in a list as often as its weight says. */
function quantileOf(rows: readonly Weighted[]): number | null {
  const list = rows.flatMap(([, value, weight]) => Array<number>(weight).fill(value));
  list.sort((a, b) => a - b);
  const level = rows[0]?.[0] ?? 0;
  return list[Math.ceil(level * list.length) - 1] ?? null;
}

/** Writes what SQLite writes differently. */
function inSqlite(sql: string): string {
  return sql
    .replace(
      /INTERVAL '(\d+)' (\w+)/g,
      (_, count, unit) => `${count * (UNITS_MS[unit] ?? Number.NaN)}`,
    )
    .replace(/sumIf\((\w+), ((?:[^()]|\([^()]*\))*)\)/g, "TOTAL($1) FILTER (WHERE $2)")
    .replace(/quantileExactWeighted\(([\d.]+)\)\(/g, "quantileExactWeighted($1, ");
}
