// The simulation with small months, and the committed results.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { transformationsOf } from "../../src/cli/config/transformations.ts";
import { readConfig } from "../../src/worker/config/config.ts";
import { ROOT } from "../support/built.ts";
import { CASES, DEFAULT_CASE, edgesFor } from "./cases.ts";
import {
  COST_HEADINGS,
  compare,
  costRowsOf,
  jsonOf,
  outageNoteOf,
  type Report,
  STEPS,
  storeNoteOf,
  VISITOR_HEADINGS,
  visitorRowsOf,
} from "./cost-report.ts";
import type { Month } from "./simulate.ts";
import { SITE } from "./site.ts";

const SMALL = { seed: 1, requests: 5_000, objects: 50, places: 4, replacements: 40, zipf: 0.9 };
const WEEK = 604_800;
const read = (name: string) => readFileSync(join(ROOT, name), "utf8");
let steps = 0;
const small = compare(SMALL, WEEK, () => {
  steps += 1;
});

/** The months of a case, one list for each eviction. */
function monthsIn({ rows }: Report, name: string): (readonly Month[])[] {
  const row = rows.find((one) => one.name === name);
  if (row === undefined) throw new Error(`there is no ${name}`);
  return row.outcomes.map(({ months }) => months);
}

const all = small.rows.flatMap((row) =>
  row.outcomes.flatMap(({ months }) => months.map((one) => ({ ...row, ...one }))),
);

test("each visit is fresh, stale or waits, and only a check that found a change asks the edge (W8, W18)", () => {
  for (const { keep, store, result } of all) {
    const { visits, fresh, stale, waited, waitedForEdge, checks, backgroundRuns } = result;
    expect([visits, fresh + stale + waited]).toEqual([SMALL.requests, SMALL.requests]);
    expect(waitedForEdge).toBeLessThanOrEqual(waited);
    expect(result.waitedForReplaced).toBeLessThanOrEqual(waitedForEdge);
    expect(result.requests).toBe(keep === 0 ? visits : 2 * visits); // W12
    // S3 is asked in each run, and once more after what was made.
    if (store) expect(checks).toBe(waited + backgroundRuns + result.storeWrites);
    else expect(checks).toBeGreaterThanOrEqual(waited + backgroundRuns + waitedForEdge);
    for (const { originFetches } of result.edges) expect(originFetches).toBeLessThan(checks);
  }
});

test("a store is asked where Workers Cache has nothing, or another version (T1)", () => {
  for (const { store, keep, result } of all) {
    const { storeReads, storeWrites, storeBytes, visits, waitedForEdge } = result;
    expect([storeReads > 0, storeWrites > 0, storeBytes > 0]).toEqual([store, store, store]);
    if (!store) continue;
    expect(storeReads).toBeGreaterThanOrEqual(storeWrites);
    expect(storeWrites).toBeGreaterThanOrEqual(waitedForEdge);
    if (keep === 0) expect(storeReads).toBe(visits);
  }
});

test("what Workers Cache evicts is made again without a store, and changes no bill with one (L2)", () => {
  const edgesIn = (name: string) =>
    monthsIn(small, name).map((months) => months.map(({ result }) => result.edges).slice(0, 3));
  const [nothing, ...evicted] = edgesIn(DEFAULT_CASE);
  for (const edges of evicted) expect(edges).toEqual(nothing);
  const made = edgesIn("no store").map((months) => months.at(-1)?.[0]?.transformations ?? 0);
  expect(made).toEqual([...new Set(made)].toSorted((one, other) => one - other));
});

test("an event ends that replaced pictures are seen; without one they are (W8, W10)", () => {
  for (const { keep, events, result } of all) {
    const { replacedShown, replacedForHours } = result;
    expect([replacedShown > 0, replacedForHours > 0]).toEqual(
      events || keep === 0 ? [false, false] : [true, true],
    );
    const longest = keep === 0 ? 0 : 2 * keep + WEEK;
    expect(replacedForHours).toBeLessThanOrEqual(longest / 3600);
  }
});

test("in an outage visitors see what was ever made, or what Workers Cache has, and after it all get an image (W8)", () => {
  for (const { month, outage } of all) {
    expect(outage.visits).toBeGreaterThan(SMALL.requests / 40);
    expect([outage.images > 0, outage.failedAfter]).toEqual([month > 1, 0]);
  }
  const [stored, without] = [DEFAULT_CASE, "no store"].map((name) =>
    monthsIn(small, name).map((months) => months[1]?.outage.images ?? 0),
  );
  expect(new Set(stored).size).toBe(1);
  for (const images of without ?? []) expect(images).toBeLessThan(stored?.[0] ?? 0);
});

test("the variants bound the transformations of each version of an object (L2)", () => {
  const config = readConfig(SITE);
  const each = "mistakes" in config ? 0 : (transformationsOf(config).get("media") ?? 0);
  const { objects, replacements } = SMALL;
  const [[first] = []] = monthsIn(small, DEFAULT_CASE);
  for (const { transformations, ofReplaced } of first?.result.edges ?? []) {
    expect(transformations).toBeGreaterThan(objects * each * 0.7);
    expect(transformations).toBeLessThanOrEqual((objects + replacements) * each);
    expect(ofReplaced).toBeLessThanOrEqual(replacements * each);
  }
});

test("the default case is what the Worker does by default", () => {
  const config = readConfig(SITE);
  const row = small.rows.find(({ name }) => name === DEFAULT_CASE);
  if ("mistakes" in config) throw new Error("SITE is wrong");
  const { keep, stale, stale_if_error: staleIfError } = config.answers;
  for (const { scenario } of row?.outcomes ?? []) {
    expect(scenario.cache).toMatchObject({ keep, stale, staleIfError });
  }
});

test("the progress reaches its end", () => {
  expect(steps).toBe(STEPS);
});

describe("the committed results", () => {
  const report: Report = JSON.parse(read("fixtures/bench/cost.json"));

  test("are a run with the defaults", () => {
    const { seed, requests, objects, places, replacements, zipf } = report.settings;
    expect([seed, requests, objects, places, replacements, zipf]).toEqual([
      ...[1, 1_000_000, 10_000, 30, 1000, 0.9],
    ]);
    expect(report.edges).toEqual(edgesFor(WEEK));
    expect(report.rows.map(({ name }) => name)).toEqual(CASES.map(({ name }) => name));
    expect(jsonOf(report)).toBe(read("fixtures/bench/cost.json"));
  });

  test.each([
    ["docs/cache.md", [VISITOR_HEADINGS, ...visitorRowsOf(report)], outageNoteOf(report)],
    ["docs/costs.md", [COST_HEADINGS, ...costRowsOf(report)], storeNoteOf(report)],
  ])("are the table of %s, and the note below it", (name, rows, note) => {
    const page = read(name).replace(/ +/g, " ");
    for (const row of rows) expect(page).toContain(`| ${row.join(" | ")} |`);
    expect(page.replace(/\s+/g, " ")).toContain(note);
  });

  test("are the bills of a new project in docs/costs.md and the README", () => {
    const at = COST_HEADINGS.indexOf("a month");
    const bills = costRowsOf(report)
      .filter(([title]) => /^store, \w+ month$/.test(title ?? ""))
      .map((row) => row[at] ?? "");
    expect(bills).toHaveLength(4);
    const costs = read("docs/costs.md");
    for (const page of [costs.slice(0, costs.indexOf("\n## ")), read("README.md")]) {
      for (const bill of bills) expect(page).toContain(bill);
    }
  });

  // Of a million pictures a month, with a store: dollars, and percents of the requests.
  test.each([
    { month: 1, dollars: 50, waitForEdge: 9.5, shownInOutage: 0 },
    { month: 2, dollars: 17, waitForEdge: 9.5, shownInOutage: 96.5 },
    { month: 4, dollars: 11.5, waitForEdge: 2.2, shownInOutage: 98.5 },
    { month: 12, dollars: 11.5, waitForEdge: 2.2, shownInOutage: 98.5 },
  ])("keep what is promised: %j (L2, T5, W12)", ({ month, ...promised }) => {
    const months = monthsIn(report, DEFAULT_CASE).flat();
    const found = months.filter((one) => one.month === month);
    expect(found.length).toBeGreaterThan(0);
    for (const { result, outage } of found) {
      for (const { bill } of result.edges) expect(bill.total).toBeLessThanOrEqual(promised.dollars);
      const waited = (100 * result.waitedForEdge) / result.visits;
      expect(waited).toBeLessThanOrEqual(promised.waitForEdge);
      const shown = (100 * outage.images) / outage.visits;
      expect(shown).toBeGreaterThanOrEqual(promised.shownInOutage);
    }
  });
});
