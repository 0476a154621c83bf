// The size of the Worker, and the figures of docs/performance.md.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { type BytesReport, worseIn, writeTable } from "./bytes/report.ts";
import { type Report, writeTables } from "./report.ts";
import { growth, readRecord, readSize } from "./size.ts";

test("the Worker is within the limit of fixtures/bench/size.json", () => {
  const message = growth(readSize(), readRecord());
  if (message !== undefined) expect.fail(message);
});

test("the committed figures are those of docs/performance.md", () => {
  const file = join(ROOT, "fixtures/bench/bench.json");
  const report: Report = JSON.parse(readFileSync(file, "utf8"));
  const page = readFileSync(join(ROOT, "docs/performance.md"), "utf8");
  expect(writeTables(page, report)).toBe(page);
});

const BYTES = join(ROOT, "fixtures/bench/bytes.json");

test("the committed bytes beside others are those of docs/performance.md", () => {
  const { cells }: BytesReport = JSON.parse(readFileSync(BYTES, "utf8"));
  const page = readFileSync(join(ROOT, "docs/performance.md"), "utf8");
  expect(writeTable(page, cells)).toBe(page);
});

test("Vitrine's defaults send no more bytes than next/image for a picture that is not better (O7)", () => {
  const { cells }: BytesReport = JSON.parse(readFileSync(BYTES, "utf8"));
  expect(cells.length).toBeGreaterThan(0);
  const worse = worseIn(cells).filter(({ reason }) => reason === undefined);
  expect(worse).toEqual([]);
});
