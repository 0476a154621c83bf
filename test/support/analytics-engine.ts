// A dataset of Analytics Engine on SQLite, for the queries of docs/metrics.md. It takes only data points
// and words that Cloudflare documents.
// What SQLite writes differently is rewritten: `INTERVAL '7' DAY` is a number of seconds, and the level of
// quantileExactWeighted(0.5)(x, w) is its first argument. A time is a number of seconds since 1970.

import { DatabaseSync } from "node:sqlite";

/** Cloudflare's SQL reference of November 2026, as far as the queries need it. */
const SQL_NAMES = new Set([
  ...["SELECT", "AS", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "GROUP", "BY", "ORDER", "ASC"],
  ...["DESC", "LIMIT", "HAVING", "INTERVAL", "DAY", "HOUR", "MINUTE", "SECOND"],
  ...["SUM", "sumIf", "quantileExactWeighted", "toStartOfInterval", "NOW", "toUInt32"],
  ...["timestamp", "_sample_interval", "index1"],
  ...Array.from({ length: 20 }, (_, at) => [`blob${at + 1}`, `double${at + 1}`]).flat(),
]);

const SECONDS: Readonly<Record<string, number>> = {
  SECOND: 1,
  MINUTE: 60,
  HOUR: 3600,
  DAY: 86_400,
};

const numbers = (prefix: string) => Array.from({ length: 20 }, (_, at) => `${prefix}${at + 1}`);

type Weighted = readonly (readonly [value: number, weight: number])[];

/** A column may be called by its alias. */
function checkNames(sql: string, name: string): void {
  const aliases = Array.from(sql.matchAll(/ AS (\w+)/g), ([, alias]) => alias);
  const plain = sql.replace(/'[^']*'/g, "");
  for (const [token] of plain.matchAll(/[A-Za-z_]\w*/g)) {
    if (SQL_NAMES.has(token) || aliases.includes(token) || token === name) continue;
    throw new Error(`Analytics Engine is not known to have ${token}`);
  }
}

const rewrite = (sql: string) =>
  sql
    .replace(/INTERVAL '(\d+)' (\w+)/g, (_all, times: string, unit: string) => {
      return `${Number(times) * (SECONDS[unit] ?? Number.NaN)}`;
    })
    .replace(/quantileExactWeighted\(([\d.]+)\)\(/g, "quantileExactWeighted($1, ");

/** The first value, in their order, up to which there is this share of all weights: as ClickHouse does. */
function quantile(level: number, values: Weighted): number {
  const sorted = values.toSorted(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, weight]) => sum + weight, 0);
  let sum = 0;
  for (const [value, weight] of sorted) {
    sum += weight;
    if (sum >= level * total) return value;
  }
  return Number.NaN;
}

/** What Analytics Engine would drop in silence is an error. */
function checkPoint({ indexes, blobs, doubles }: Required<AnalyticsEngineDataPoint>): void {
  const size = (texts: readonly unknown[]) => Buffer.byteLength(texts.join(""));
  if (indexes.length > 1 || size(indexes) > 96) throw new Error("one index of 96 bytes at most");
  if (blobs.length > 20 || size(blobs) > 16_000) throw new Error("20 blobs of 16 KB at most");
  if (doubles.length > 20 || !doubles.every(Number.isFinite)) throw new Error("20 doubles at most");
}

/**
 * Creates an empty dataset.
 * @param now what NOW() is: ms since 1970
 */
export function createDataset(name: string, now: number) {
  const db = new DatabaseSync(":memory:");
  const columns = [
    "timestamp INTEGER",
    "_sample_interval REAL", // so that `/` does not round, as in Analytics Engine
    "index1 TEXT",
    ...numbers("blob").map((column) => `${column} TEXT DEFAULT ''`),
    ...numbers("double").map((column) => `${column} REAL DEFAULT 0`),
  ];
  db.exec(`CREATE TABLE ${name} (${columns.join(", ")})`);
  db.function("NOW", () => Math.floor(now / 1000));
  db.function("toUInt32", (text) => {
    if (!/^\d+$/.test(`${text}`)) throw new Error(`toUInt32 of ${text}`);
    return Number(text);
  });
  db.function(
    "toStartOfInterval",
    (time, length) => Number(time) - (Number(time) % Number(length)),
  );
  db.aggregate("sumIf", {
    start: 0,
    step: (sum, value, condition) => (condition ? Number(sum) + Number(value) : Number(sum)),
  });
  // The state of an aggregate of SQLite is a text.
  db.aggregate("quantileExactWeighted", {
    start: "[]",
    step: (state, level, value, weight) =>
      JSON.stringify([...JSON.parse(`${state}`), [level, value, weight]]),
    result: (state) => {
      const all: [number, number, number][] = JSON.parse(`${state}`);
      return quantile(
        all[0]?.[0] ?? Number.NaN,
        all.map(([, value, weight]) => [value, weight]),
      );
    },
  });
  return {
    /** @param at ms since 1970. @param weight how many requests it stands for */
    insert(point: Required<AnalyticsEngineDataPoint>, at: number, weight: number): void {
      checkPoint(point);
      const { indexes, blobs, doubles } = point;
      const named = [
        ...["timestamp", "_sample_interval", "index1"],
        ...blobs.map((_, column) => `blob${column + 1}`),
        ...doubles.map((_, column) => `double${column + 1}`),
      ];
      const values = [Math.floor(at / 1000), weight, `${indexes[0]}`, ...blobs.map(String)];
      const placeholders = named.map(() => "?").join(", ");
      db.prepare(`INSERT INTO ${name} (${named.join(", ")}) VALUES (${placeholders})`).run(
        ...values,
        ...doubles,
      );
    },
    /** Runs a query, after it has checked that Analytics Engine has each of its words. */
    query(sql: string): Record<string, unknown>[] {
      checkNames(sql, name);
      return db
        .prepare(rewrite(sql))
        .all()
        .map((line) => ({ ...line }));
    },
  };
}
