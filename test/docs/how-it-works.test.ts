// The steps of docs/how-it-works.md are those of its drawing, and of the code.

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

test.each(["request", "rotation"])("the drawing %s is the same in light and dark", (name) => {
  const shapeOf = (shade: string) => drawing(`${name}-${shade}`).replace(/<style>.*<\/style>/s, "");
  expect(shapeOf("dark")).toBe(shapeOf("light"));
  expect(drawing(`${name}-light`)).toMatch(/^<svg [^>]*role="img"[^>]*>\s*<title id="title">/);
});

test("the gateway takes its steps in the order of the page", () => {
  const code = source("worker/index.ts");
  const names = ROWS.flatMap(([, , cell = ""]) => /^`([\w.]+)`$/.exec(cell)?.slice(1) ?? []);
  expect(names).toHaveLength(7);
  const places: number[] = [];
  for (const name of [...names, "obtain(renditionKey"]) {
    places.push(code.indexOf(name, (places.at(-1) ?? code.indexOf("async function serve")) + 1));
  }
  expect(places).not.toContain(-1);
});

test("the steps of a rendition are where the page says", () => {
  const cells = ROWS.flatMap(([, , cell = ""]) => [...cell.matchAll(/^`(\w+)` in `(.*)`$/g)]);
  expect(cells).toHaveLength(6);
  for (const [, name = "", file = ""] of cells) expect(source(file)).toContain(`${name}(`);
});
