// The simulation with a small month, and the committed results.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { money, transformationsOf } from "../../src/cli/project/costs.ts";
import { readConfig } from "../../src/worker/config/config.ts";
import { ROOT } from "../support/built.ts";
import { CASES, PRESIGNED, WITH_OUTAGE, WITHOUT_CACHE } from "./cases.ts";
import {
  chartOf,
  compare,
  HEADINGS,
  jsonOf,
  notesOf,
  OUTAGE_HEADINGS,
  outageNoteOf,
  outageRowsOf,
  type Report,
  rowsOf,
  totalOf,
} from "./cost-report.ts";
import { SITE } from "./designs.ts";

const weekly = (place: string) => `Vitrine, ${place}, keep a week`;
const SMALL = { seed: 1, requests: 20_000, objects: 50, places: 4, replacements: 40, zipf: 0.9 };
const WEEK = 604_800;
const kept = (name: string) => readFileSync(join(ROOT, "fixtures/bench", name), "utf8");
let played = 0;
const small = compare(SMALL, WEEK, (requests) => {
  played += requests;
});
const resultIn = ({ outcomes }: Report, name: string) => {
  const found = outcomes.find((outcome) => outcome.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found.result;
};
const of = (name: string) => resultIn(small, name);

test("an object is fetched once a place while fresh, for any number of variants and visitors (C2)", () => {
  for (const { name, result } of small.outcomes) {
    expect([name, result.mostFetchesWhileFresh === 1]).toEqual([name, name !== PRESIGNED]);
  }
  const { busiestFetch, originFetches } = of(WITHOUT_CACHE);
  expect(busiestFetch.requests).toBeGreaterThan(300);
  expect(busiestFetch.prints).toBeGreaterThan(10);
  // At most one for each object, place and week, and one more for each replacement and place.
  expect(originFetches).toBeLessThanOrEqual(50 * 4 * 5 + 40 * 4);
  expect(of(PRESIGNED).mostFetchesWhileFresh).toBeGreaterThan(300);
  expect(of(PRESIGNED).busiestFetch.requests).toBeLessThan(5);
  expect(notesOf(small)[0]).toContain("place: 1, whatever");
});

test("every request to the edge is a kept rendition, a kept original or a fetch", () => {
  for (const { name, result } of small.outcomes) {
    const { requests, waits, printHits, originalHits, originFetches } = result;
    const isCached = CASES.some((one) => one.name === name && one.cache !== undefined);
    const asked = printHits + originalHits + originFetches;
    if (isCached) expect(asked).toBeLessThan(requests);
    else expect([asked, waits]).toEqual([requests, originalHits + originFetches]);
    expect(waits).toBeLessThanOrEqual(originalHits + originFetches);
    expect(result.bytesFromS3 / originFetches / 1e6).toBeCloseTo(3, -0.5);
  }
});

test("the times of the cache are those that the Worker has by default (W8)", () => {
  const config = readConfig(SITE);
  if ("mistakes" in config) throw new Error("SITE is wrong");
  const { keep, stale, stale_if_error: staleIfError } = config.answers;
  expect(CASES.map(({ cache }) => cache)).toContainEqual({
    ...{ keep, stale, staleIfError },
    runsIn: "upper",
  });
});

test("the cache makes visitors wait less, and never more where it keeps for longer (W8)", () => {
  for (const place of ["upper tier", "visitor's place"]) {
    const waits = ["an hour", "a day", "a week", "a week, stale a month"].map(
      (keep) => of(`Vitrine, ${place}, keep ${keep}`).waits,
    );
    expect(waits).toEqual(waits.toSorted((one, other) => other - one));
    expect(waits[0]).toBeLessThan(of(WITHOUT_CACHE).waits / 2);
  }
});

test("in an outage more visitors get an image with the cache, and after it all do (W8)", () => {
  const [without, ...cached] = small.outages.map(({ outage }) => outage);
  expect(small.outages.map(({ name }) => name)).toEqual(WITH_OUTAGE.map(({ name }) => name));
  for (const { requests, images, percent, failedAfter } of cached) {
    expect([requests, failedAfter]).toEqual([without?.requests, 0]);
    expect(requests).toBeGreaterThan(SMALL.requests / 31);
    expect(percent).toBeCloseTo((100 * images) / requests, 1);
    expect(images).toBeGreaterThan(without?.images ?? 0);
  }
});

test("the progress reaches its end", () => {
  expect(played / totalOf(SMALL)).toBeCloseTo(1, 3);
});

test("the variants bound the transformations, except with free widths and presigned URLs (L2)", () => {
  const config = readConfig(SITE);
  const each = "mistakes" in config ? 0 : (transformationsOf(config).get("media") ?? 0);
  for (const { name } of CASES.filter(({ design }) => design === "vitrine")) {
    expect(of(name).transformations).toBeGreaterThan(50 * each * 0.8);
    expect(of(name).transformations).toBeLessThanOrEqual(50 * each);
  }
  expect(of("Free widths").transformations).toBeGreaterThan(50 * each * 5);
  expect(of(PRESIGNED).transformations).toBeGreaterThan(19_900);
  expect(of(WITHOUT_CACHE).freeForHours).toBeNull();
  expect(of(PRESIGNED).freeForHours).toBeCloseTo(720 / 4, -1);
});

test("the figures are those of the current Worker: if not, run npm run bench:cost", () => {
  expect(rowsOf(small).map((row) => row.join(" | "))).toEqual([
    "Vitrine without the cache | 21.7 % | 893 | 1 | 2 GB | 397 | $5.00",
    "Vitrine, upper tier, keep an hour | 6.6 % | 258 | 1 | 1 GB | 397 | $5.00",
    "Vitrine, upper tier, keep a day | 6.3 % | 246 | 1 | 1 GB | 397 | $5.00",
    "Vitrine, upper tier, keep a week | 5.7 % | 258 | 1 | 1 GB | 397 | $5.00",
    "Vitrine, upper tier, keep a week, stale a month | 5.4 % | 258 | 1 | 1 GB | 397 | $5.00",
    "Vitrine, visitor's place, keep an hour | 6.6 % | 886 | 1 | 2 GB | 397 | $5.00",
    "Vitrine, visitor's place, keep a day | 6.3 % | 805 | 1 | 2 GB | 397 | $5.00",
    "Vitrine, visitor's place, keep a week | 5.7 % | 701 | 1 | 2 GB | 397 | $5.00",
    "Vitrine, visitor's place, keep a week, stale a month | 5.4 % | 701 | 1 | 2 GB | 397 | $5.00",
    "Vitrine without the cache, no max-age | 88.2 % | 14,347 | 1 | 37 GB | 397 | $5.01",
    "Vitrine, upper tier, keep an hour, no max-age | 6.6 % | 9,929 | 1 | 26 GB | 397 | $5.00",
    "Vitrine, visitor's place, keep an hour, no max-age | 6.6 % | 12,743 | 1 | 33 GB | 397 | $5.01",
    "Vitrine, visitor's place, keep a week, no max-age | 5.7 % | 1,998 | 1 | 5 GB | 397 | $5.00",
    "Free widths | 48.2 % | 894 | 1 | 2 GB | 4,046 | $5.00",
    "Presigned URLs | 100.0 % | 20,000 | 434 | 50 GB | 20,000 | $12.51",
  ]);
});

describe("the committed results", () => {
  const report: Report = JSON.parse(kept("cost.json"));

  test("are a run with the defaults", () => {
    const { seed, requests, objects, places, replacements, zipf } = report.settings;
    expect([seed, requests, objects, places, replacements, zipf, report.maxAge]).toEqual([
      ...[1, 1_000_000, 10_000, 30, 1000, 0.9, WEEK],
    ]);
    expect(jsonOf(report)).toBe(kept("cost.json"));
  });

  test.each(["light", "dark"])("have the chart of their figures, %s", (shade) => {
    expect(chartOf(report, shade === "dark")).toBe(kept(`cost-${shade}.svg`));
  });

  test("are the tables of docs/costs.md", () => {
    const page = readFileSync(join(ROOT, "docs/costs.md"), "utf8").replace(/ +/g, " ");
    const rows = [HEADINGS, ...rowsOf(report), OUTAGE_HEADINGS, ...outageRowsOf(report)];
    for (const row of rows) expect(page).toContain(`| ${row.join(" | ")} |`);
    for (const note of [notesOf(report)[0], outageNoteOf(report)]) {
      expect(page.replace(/\s+/g, " ")).toContain(note);
    }
  });

  test("are the bills of a new project, and of a better one, at the top of docs/costs.md", () => {
    const page = readFileSync(join(ROOT, "docs/costs.md"), "utf8");
    const top = page.slice(0, page.indexOf("\n## "));
    for (const place of ["upper tier", "visitor's place"]) {
      const { bill } = resultIn(report, `Vitrine, ${place}, keep an hour, no max-age`);
      expect(top).toContain(money(bill.total));
      expect(top).toContain(money(bill.s3Traffic));
      expect(top).toContain(money(bill.s3Requests));
      expect(top).toContain(money(bill.workers + bill.transformations));
      expect(top).toContain(money(resultIn(report, weekly(place)).bill.total));
    }
  });

  test("are the bills of the README", () => {
    const readme = readFileSync(join(ROOT, "README.md"), "utf8");
    for (const name of [PRESIGNED, ...["upper tier", "visitor's place"].map(weekly)]) {
      expect(readme).toContain(money(resultIn(report, name).bill.total));
    }
  });

  test("are as good as the cache is meant to be (W5, W8)", () => {
    const [upper, visitor] = ["upper tier", "visitor's place"].map((place) => {
      const { waits, requests, bill } = resultIn(report, `${weekly(place)}, stale a month`);
      expect(waits / requests).toBeLessThanOrEqual(0.09);
      return bill.total;
    });
    expect(upper).toBeLessThanOrEqual(36);
    expect(visitor).toBeLessThanOrEqual(61);
  });
});
