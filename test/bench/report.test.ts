// The simulation with a small month, the committed results, the bill, and the command line.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { transformationsOf } from "../../src/cli/project/costs.ts";
import { readConfig } from "../../src/worker/config/config.ts";
import { ROOT } from "../support/built.ts";
import { readOptions } from "./cost-options.ts";
import { chartOf, compare, HEADINGS, jsonOf, notesOf, type Report, rowsOf } from "./cost-report.ts";
import { SITE } from "./designs.ts";
import { billOf, charge, PRICES } from "./prices.ts";

const SMALL = { seed: 1, requests: 20_000, objects: 50, places: 4, replacements: 40, zipf: 0.9 };
const WEEK = 604_800;
const kept = (name: string) => readFileSync(join(ROOT, "fixtures/bench", name), "utf8");
const small = compare(SMALL, WEEK);
const of = (name: string) => {
  const found = small.outcomes.find((outcome) => outcome.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found.result;
};

test("an object is fetched once a place while fresh, for any number of variants and visitors (C2)", () => {
  for (const { name, result } of small.outcomes) {
    expect([name, result.mostFetchesWhileFresh === 1]).toEqual([name, name !== "Presigned URLs"]);
  }
  const { busiestFetch, originFetches } = of("Vitrine");
  expect(busiestFetch.requests).toBeGreaterThan(300);
  expect(busiestFetch.prints).toBeGreaterThan(10);
  // At most one for each object, place and week, and one more for each replacement and place.
  expect(originFetches).toBeLessThanOrEqual(50 * 4 * 5 + 40 * 4);
  expect(of("Presigned URLs").mostFetchesWhileFresh).toBeGreaterThan(300);
  expect(of("Presigned URLs").busiestFetch.requests).toBeLessThan(5);
  expect(notesOf(small)[0]).toContain("place: 1, whatever");
});

test("every request is a kept rendition, a kept original or a fetch", () => {
  for (const { result } of small.outcomes) {
    const { requests, printHits, originalHits, originFetches } = result;
    expect(printHits + originalHits + originFetches).toBe(requests);
    expect(result.bytesFromS3 / originFetches / 1e6).toBeCloseTo(3, -0.5);
  }
});

test("the variants bound the transformations, except with free widths and presigned URLs (L2)", () => {
  const config = readConfig(SITE);
  const each = "mistakes" in config ? 0 : (transformationsOf(config).get("media") ?? 0);
  for (const name of ["Vitrine", "Vitrine, objects without max-age"]) {
    expect(of(name).transformations).toBeGreaterThan(50 * each * 0.8);
    expect(of(name).transformations).toBeLessThanOrEqual(50 * each);
  }
  expect(of("Free widths").transformations).toBeGreaterThan(50 * each * 5);
  expect(of("Presigned URLs").transformations).toBeGreaterThan(19_900);
  expect(of("Vitrine").freeForHours).toBeNull();
  expect(of("Presigned URLs").freeForHours).toBeCloseTo(720 / 4, -1);
});

test("the figures are those of the current Worker: if not, run npm run bench:cost", () => {
  expect(rowsOf(small).map((row) => row.join(" | "))).toEqual([
    "Vitrine | 893 | 1 | 2 GB | 397 | 78.3 % | $5.00",
    "Vitrine, objects without max-age | 14,347 | 1 | 37 GB | 397 | 11.8 % | $5.01",
    "Free widths | 894 | 1 | 2 GB | 4,046 | 51.8 % | $5.00",
    "Presigned URLs | 20,000 | 434 | 50 GB | 20,000 | 0.0 % | $12.51",
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

  test("is the table of docs/costs.md", () => {
    const page = readFileSync(join(ROOT, "docs/costs.md"), "utf8").replace(/ +/g, " ");
    for (const row of [HEADINGS, ...rowsOf(report)])
      expect(page).toContain(`| ${row.join(" | ")} |`);
    expect(page.replace(/\s+/g, " ")).toContain(notesOf(report)[0]);
  });
});

describe("the bill", () => {
  const none = { requests: 0, cpuMs: 0, transformations: 0, originFetches: 0, bytes: 0 };

  test.each<[Partial<typeof none>, number]>([
    [{}, 5],
    [{ requests: 10e6, cpuMs: 30e6, transformations: 5000, bytes: 100e9 }, 5],
    [{ requests: 11e6 }, 5.3],
    [{ cpuMs: 31e6 }, 5.02],
    [{ transformations: 6000 }, 5.5],
    [{ originFetches: 1e6 }, 5.4],
    [{ bytes: 200e9 }, 14],
    [{ bytes: 10e12 }, 5 + 9900 * 0.09],
    [{ bytes: 11e12 }, 5 + 9900 * 0.09 + 85],
  ])("of %j is $%d", (usage, dollars) => {
    expect(billOf({ ...none, ...usage }).total).toBeCloseTo(dollars, 6);
  });

  test("has steps in ascending order", () => {
    for (const steps of Object.values(PRICES)) {
      if (typeof steps === "number") continue;
      const ends = steps.map(({ upTo }) => upTo);
      expect(ends).toEqual(ends.toSorted((one, other) => one - other));
      expect(ends.at(-1)).toBe(Number.POSITIVE_INFINITY);
    }
    expect(charge(0, PRICES.bytes)).toBe(0);
  });
});

describe("npm run bench:cost", () => {
  const script = join(ROOT, "test/bench/cost.ts");
  const few = ["--requests", "300", "--objects", "5", "--places", "2", "--replacements", "3"];

  test("writes the same bytes each time, and prints the table", () => {
    const folders = ["one", "other"].map((name) => {
      const folder = mkdtempSync(join(tmpdir(), `vitrine-bench-${name}-`));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const out = execFileSync(process.execPath, [script, ...few, "--out", folder]).toString();
      expect(out).toMatch(
        /^design .*\nVitrine {2}.*\nVitrine, .*\nFree widths .*\nPresigned URLs /,
      );
      return folder;
    });
    const read = (folder = "") =>
      readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]);
    expect(read(folders[0])).toEqual(read(folders[1]));
    expect(readdirSync(folders[0] ?? "")).toEqual(["cost-dark.svg", "cost-light.svg", "cost.json"]);
  });

  test("writes nothing for other options", () => {
    const before = kept("cost.json");
    const out = execFileSync(process.execPath, [script, ...few, "--seed", "2"]).toString();
    expect(out).not.toContain("Wrote");
    expect(kept("cost.json")).toBe(before);
  });

  test("--help lists the options", () => {
    const { stdout, status } = spawnSync(process.execPath, [script, "--help"]);
    expect([status, `${stdout}`]).toEqual([0, expect.stringContaining("--max-age <n>")]);
  });

  test.each([
    [["--requests", "0"], "--requests 0 is not a whole number from 1 to 5000000"],
    [["--requests", "1e3"], "--requests 1e3 is not a whole number"],
    [["--objects", "1.5"], "--objects 1.5 is not a whole number"],
    [["--zipf", "4"], "--zipf 4 is not a number from 0 to 3"],
    [["--seed", ""], "--seed  is not a whole number"],
    [["--place", "3"], "--place"],
    [["three"], "three"],
  ])("%j is a mistake", (args, message) => {
    const fault = expect.stringContaining(message);
    expect(readOptions(args, "fixtures/bench")).toMatchObject({ fault });
  });

  test.each([
    [["--seed"], "--seed"],
    [["--out", script], `--out ${script}: `],
  ])("%j is told on stderr, and ends it", (args, message) => {
    const { stderr, stdout, status } = spawnSync(process.execPath, [script, ...args]);
    expect([status, `${stdout}`]).toEqual([2, ""]);
    expect(`${stderr}`.split("\n")[0]).toContain(message);
  });
});
