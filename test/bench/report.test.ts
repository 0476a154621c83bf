// The simulation with a small month, and the committed results.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { transformationsOf } from "../../src/cli/project/costs.ts";
import { readConfig } from "../../src/worker/config/config.ts";
import { ROOT } from "../support/built.ts";
import { CASES, DEFAULT_CASE, readingsOf, scenarioOf } from "./cases.ts";
import {
  COST_HEADINGS,
  compare,
  costRowsOf,
  jsonOf,
  outageNoteOf,
  type Report,
  STEPS,
  VISITOR_HEADINGS,
  visitorRowsOf,
} from "./cost-report.ts";
import { SITE } from "./site.ts";

const SMALL = { seed: 1, requests: 20_000, objects: 50, places: 4, replacements: 40, zipf: 0.9 };
const WEEK = 604_800;
const read = (name: string) => readFileSync(join(ROOT, name), "utf8");
let steps = 0;
const small = compare(SMALL, WEEK, () => {
  steps += 1;
});

function outcomesIn({ rows }: Report, name: string) {
  const row = rows.find((one) => one.name === name);
  if (row === undefined) throw new Error(`there is no ${name}`);
  return row.outcomes;
}
const resultsOf = (name: string) => outcomesIn(small, name).map(({ result }) => result);

test("each visit is fresh, stale or waits, and only a check that found a change asks the edge (W8, W18)", () => {
  for (const { keep, outcomes } of small.rows) {
    for (const { result } of outcomes) {
      const { visits, fresh, stale, waited, waitedForEdge, checks, backgroundRuns } = result;
      expect([visits, fresh + stale + waited]).toEqual([SMALL.requests, SMALL.requests]);
      expect(checks).toBe(waited + backgroundRuns);
      expect(waitedForEdge).toBeLessThanOrEqual(waited);
      expect(result.originFetches).toBeLessThan(checks);
      expect(result.requests).toBe(keep === 0 ? visits : 2 * visits); // W12
    }
  }
});

test("an event ends that replaced pictures are seen; without one they are (W8, W10)", () => {
  for (const { keep, events, outcomes } of small.rows) {
    for (const { result } of outcomes) {
      const { replacedShown, replacedForHours } = result;
      expect([replacedShown > 0, replacedForHours > 0]).toEqual(
        events || keep === 0 ? [false, false] : [true, true],
      );
      const longest = keep === 0 ? 0 : 2 * keep + WEEK;
      expect(replacedForHours).toBeLessThanOrEqual(longest / 3600);
    }
  }
});

test("a longer keep means more fresh pictures, and fewer requests to S3", () => {
  const [short, hour, week] = ["300 s", "an hour", "a week"].map(
    (keep) => resultsOf(`keep ${keep}, events`)[0],
  );
  const fresh = [short, hour, week].map((result) => result?.fresh ?? 0);
  const checks = [week, hour, short].map((result) => result?.checks ?? 0);
  for (const counts of [fresh, checks]) expect(counts).toEqual(counts.toSorted((a, b) => a - b));
});

test("in an outage visitors see what Workers Cache has, and after it all get an image (W8)", () => {
  for (const { keep, outcomes } of small.rows) {
    for (const { outage } of outcomes) {
      if (outage === undefined) continue;
      expect(outage.visits).toBeGreaterThan(SMALL.requests / 31);
      expect([outage.images > 0, outage.failedAfter]).toEqual([keep > 0, 0]);
    }
  }
});

test("the variants bound the transformations of each version of an object (L2)", () => {
  const config = readConfig(SITE);
  const each = "mistakes" in config ? 0 : (transformationsOf(config).get("media") ?? 0);
  const { objects, replacements } = SMALL;
  for (const { transformations } of resultsOf(DEFAULT_CASE)) {
    expect(transformations).toBeGreaterThan(objects * each * 0.8);
    expect(transformations).toBeLessThanOrEqual((objects + replacements) * each);
  }
});

test("the default case is what the Worker does by default", () => {
  const config = readConfig(SITE);
  const found = CASES.find(({ name }) => name === DEFAULT_CASE);
  if ("mistakes" in config || found === undefined) throw new Error("SITE or CASES is wrong");
  const { keep, stale, stale_if_error: staleIfError } = config.answers;
  expect(scenarioOf(found, { runsIn: "upper" }, WEEK).cache).toMatchObject({
    ...{ keep, stale, staleIfError },
  });
});

test("the progress reaches its end", () => {
  expect(steps).toBe(STEPS);
  expect(small.rows.flatMap(({ outcomes }) => outcomes)).toHaveLength(STEPS);
  expect(CASES.flatMap((one) => readingsOf(one))).toHaveLength(STEPS);
});

describe("the committed results", () => {
  const report: Report = JSON.parse(read("fixtures/bench/cost.json"));

  test("are a run with the defaults", () => {
    const { seed, requests, objects, places, replacements, zipf } = report.settings;
    expect([seed, requests, objects, places, replacements, zipf, report.maxAge]).toEqual([
      ...[1, 1_000_000, 10_000, 30, 1000, 0.9, WEEK],
    ]);
    expect(jsonOf(report)).toBe(read("fixtures/bench/cost.json"));
  });

  test.each([
    ["docs/cache.md", [VISITOR_HEADINGS, ...visitorRowsOf(report)]],
    ["docs/costs.md", [COST_HEADINGS, ...costRowsOf(report)]],
  ])("are the table of %s", (name, rows) => {
    const page = read(name).replace(/ +/g, " ");
    for (const row of rows) expect(page).toContain(`| ${row.join(" | ")} |`);
  });

  test("are what docs/cache.md says of the time after an outage", () => {
    expect(read("docs/cache.md").replace(/\s+/g, " ")).toContain(outageNoteOf(report));
  });

  test("are the bills of a new project in docs/costs.md and the README", () => {
    const row = costRowsOf(report).find(([name]) => name === DEFAULT_CASE) ?? [];
    const bills = row.slice(COST_HEADINGS.indexOf("a month")).slice(0, 3);
    const costs = read("docs/costs.md");
    for (const page of [costs.slice(0, costs.indexOf("\n## ")), read("README.md")]) {
      for (const bill of bills) expect(page).toContain(bill);
    }
  });

  test("cost at most $65 a month by default, where nothing is evicted within a week (W12, W18)", () => {
    for (const { reading, result } of outcomesIn(report, DEFAULT_CASE)) {
      if (reading.evictAfter === 86_400) continue;
      expect(result.bill.total).toBeLessThanOrEqual(65);
    }
  });
});
