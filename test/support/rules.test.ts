// The report of which rules of docs/rules.md have a test.

import { expect, test } from "vitest";
import { judge, namedIn, readRules } from "./rules.ts";

const RULES = readRules(`
| id  | rule                            |
| --- | ------------------------------- |
| E1  | Headers are dropped.            |
| E10 | \`a | b\` is a pipe.              |
| S3  | Refused. _Not played: no need._ |
`);

test("the rules are read from the tables", () => {
  expect([...RULES]).toEqual([
    ["E1", "Headers are dropped."],
    ["E10", "`a | b` is a pipe."],
    ["S3", "Refused. _Not played: no need._"],
  ]);
});

test.each<[string, string[]]>([
  ["headers are dropped (E1)", ["E1"]],
  ["of the edge > headers are dropped (E1, E10)", ["E1", "E10"]],
  ["two lists (E1) and more (S3)", ["E1", "S3"]],
  ["a rule beside another one (T8a, T8)", ["T8a", "T8"]],
  ["R2 is stricter than AWS, says E1", []],
  ["(E1 and more)", []],
])("a title names what stands in parentheses of their own: case %#", (title, named) => {
  expect(namedIn(title)).toEqual(named);
});

test("a rule without a test, and a test of a rule that is not there, fail the run", () => {
  expect(judge(RULES, ["a (E1)", "b (E10)"])).toEqual({
    well: true,
    lines: ["Rules: 2 of 3 have a test that passed; not played: S3 (see docs/rules.md)"],
  });
  const untested = judge(RULES, ["a (E1)"]);
  expect([untested.well, untested.lines[1]]).toEqual([false, "Rules without a test: E10"]);
  const unknown = judge(RULES, ["a (E1)", "b (E10, E2)"]);
  expect([unknown.well, unknown.lines[1]]).toEqual([
    false,
    "Tests name rules that are not there: E2",
  ]);
});
