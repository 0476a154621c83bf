import type { ValidateFunction } from "ajv";
import { beforeAll, expect, test } from "vitest";
import { compileVars, expectAgreement } from "./agreement.ts";
import { mistakesOf, RIGHT } from "./configurations.ts";
import { DIFFERENCES } from "./differences.ts";

let isRight: ValidateFunction;
beforeAll(async () => {
  isRight = await compileVars();
});

/** Changes a setting, whose path has a dot between names and indexes. */
function change(vars: object, path: string, value: unknown): void {
  const names = path.split(".");
  const last = names.pop() ?? "";
  const parent = names.reduce<object>((inner, name) => Reflect.get(inner, name), vars);
  if (value === undefined) Reflect.deleteProperty(parent, last);
  else Reflect.set(parent, last, value);
}

test("an editor and the Worker take the same configuration", () => {
  expect(mistakesOf(RIGHT)).toEqual([]);
  expect(isRight(RIGHT)).toBe(true);
});

test("what the Worker refuses, an editor underlines, and nothing else, but for the listed rules", () => {
  expectAgreement(isRight, 150);
});

test.each(DIFFERENCES)("$says: the Worker alone refuses it, as $reason", ({ says, example }) => {
  const vars = structuredClone(RIGHT);
  for (const [path, value] of Object.entries(example)) change(vars, path, value);

  const mistakes = mistakesOf(vars);

  expect(isRight(vars)).toBe(true);
  const isOfText = Object.values(vars).some((value) => typeof value === "string");
  if (isOfText) expect(mistakes).not.toEqual([]);
  else expect(mistakes).toContainEqual(expect.stringMatching(says));
});
