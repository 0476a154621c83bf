// The tests that docs/security.md names: each file, each title and each property is there.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isPropertyName } from "../hostile/properties.ts";
import { ROOT } from "../support/built.ts";
import { readPage } from "./pages.ts";

const [, tables = ""] = readPage("docs/security.md").split("## Threats and tests\n");

/** The cells of each threat: what it is, what stops it, the tests, and those of the built Worker. */
const ROWS = [...tables.matchAll(/^\| (?!threat |---)(.*) \|$/gm)].map(([, row = ""]) =>
  row.split(" | ").map((cell) => cell.trim()),
);

/** A test file with titles, if any, or properties. */
const FILE = /^`([\w./-]+\.test\.ts)`(?:: ("[^"]+"(?:, "[^"]+")*))?$/;
const WORDS = /^_[a-z]+_(?:, _[a-z]+_)*$/;

/** Returns what is wrong with one part of a cell of tests, or undefined. */
function faultOf(part: string): string | undefined {
  if (WORDS.test(part)) {
    const unknown = namedIn(part).filter((name) => !isPropertyName(name));
    return unknown.length > 0 ? `no property ${unknown}` : undefined;
  }
  const [, file, titles = ""] = FILE.exec(part) ?? [];
  if (file === undefined) return `${part} is no test`;
  const path = join(ROOT, "test", file);
  if (!existsSync(path)) return `there is no test/${file}`;
  const text = readFileSync(path, "utf8");
  const missing = (titles.match(/"[^"]+"/g) ?? []).filter((title) => !text.includes(title));
  return missing.length > 0 ? `test/${file} has no ${missing}` : undefined;
}

const namedIn = (text: string) => [...text.matchAll(/_([a-z]+)_/g)].map(([, name = ""]) => name);

test.each(ROWS.map(([threat, _stops, tests]) => [threat, tests] as const))(
  "the tests of this threat are there: %s",
  (_threat, tests = "") => {
    expect(tests.split("; ").map(faultOf).filter(Boolean)).toEqual([]);
  },
);

test("the tests of the built Worker are in test/built/", () => {
  const cells = ROWS.flatMap(([, , , built]) => built ?? []).filter((cell) => cell !== "—");
  const parts = cells.flatMap((cell) => cell.split("; ")).filter((part) => part.startsWith("`"));
  expect(parts.length).toBeGreaterThan(20);
  expect(parts.filter((part) => !part.startsWith("`built/"))).toEqual([]);
  expect(parts.map(faultOf).filter(Boolean)).toEqual([]);
});

test("a file, a title or a property that is not there is found", () => {
  expect(faultOf("`url/nothing.test.ts`")).toBe("there is no test/url/nothing.test.ts");
  expect(faultOf('`url/key.test.ts`: "the key is"')).toBe(
    'test/url/key.test.ts has no "the key is"',
  );
  expect(faultOf("_free_, _nothing_")).toBe("no property nothing");
  expect(faultOf("url/key.test.ts")).toBe("url/key.test.ts is no test");
});
