// The steps of docs/how-it-works.md are those of its drawing, and their functions are there.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { readPage } from "./pages.ts";

/** The first and the last cell of each row that has a number. */
const ROWS = [...readPage("docs/how-it-works.md").matchAll(/^\| (\d+\. .*?) +\|.*\| (.*?) +\|$/gm)];

const drawing = (name: string) => readPage(`docs/pictures/${name}.svg`);
const source = (file: string) => readFileSync(join(ROOT, "src", file), "utf8");

test("the drawing of a request has the steps of the page, in their order", () => {
  const drawn = [...drawing("request-light").matchAll(/>(\d+\. [^<]*)</g)].map(([, step]) => step);
  expect(drawn).toEqual(ROWS.map(([, step]) => step));
  expect(drawn).toHaveLength(13);
});

test("the drawings are the same in light and dark, but for their colours", () => {
  for (const name of ["request", "rotation"]) {
    const [light, dark] = ["light", "dark"].map((shade) =>
      drawing(`${name}-${shade}`).replace(/<style>.*<\/style>/s, ""),
    );
    expect(dark).toBe(light);
  }
});

test("the functions of the steps are where the page says", () => {
  const inGateway = ROWS.flatMap(([, , cell = ""]) => /^`([\w.]+)`$/.exec(cell)?.slice(1) ?? []);
  const inFiles = ROWS.flatMap(([, , cell = ""]) => [...cell.matchAll(/^`(\w+)` in `(.*)`$/g)]);
  expect([inGateway.length, inFiles.length]).toEqual([7, 6]);
  for (const name of inGateway) expect(source("worker/index.ts")).toContain(name);
  for (const [, name = "", file = ""] of inFiles) expect(source(file)).toContain(`${name}(`);
});
