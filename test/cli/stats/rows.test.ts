// The SQL of `vitrine stats` and its function for the local run, on a simulated month: SQLite runs the very SQL that
// Analytics Engine gets, and both give the same rows.

import { expect, test } from "vitest";
import { queriesOf, rowsOf, type StatsRows } from "../../../src/cli/metrics/rows.ts";
import { MONTH, simulateMonth } from "../../support/month.ts";
import { createDataset } from "../../support/sql-dataset.ts";

const { points } = simulateMonth(7, 12);
const dataset = createDataset("vitrine", points);
const DAY_MS = 86_400_000;
const NOON = MONTH.from + 17 * DAY_MS + DAY_MS / 2;

test.each([
  { period: "a month", ...MONTH },
  { period: "the three days of an outage", from: NOON - DAY_MS, until: NOON + 2 * DAY_MS },
  { period: "half an hour", from: NOON, until: NOON + 1_800_000 },
  { period: "a month without a request", from: MONTH.until, until: MONTH.until + 30 * DAY_MS },
])("SQL and the local run's function give the same rows of $period", ({ from, until }) => {
  const queries = queriesOf("vitrine", { from, until });
  const bySql = Object.entries(queries).map(([name, sql]) => [name, dataset.ask(sql)]);
  const byFunction = rowsOf(points, { from, until });
  expect(sorted(Object.fromEntries(bySql))).toEqual(sorted(byFunction));
});

/** SQL may give groups in any order where it is not told one. */
function sorted(rows: StatsRows | Record<string, object[]>): object {
  const requests = [...rows["requests"]].map((row) => JSON.stringify(Object.entries(row).sort()));
  const waits = [...rows["waits"]].map((row) => JSON.stringify(Object.entries(row).sort()));
  return { ...rows, requests: requests.sort(), waits: waits.sort() };
}
