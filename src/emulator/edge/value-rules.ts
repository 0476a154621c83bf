// Rules for the values of options: numbers, one rule or another, and tables of options. No I/O.

import { isRecord, type Rule, type Rules } from "../check.ts";

function numberThat(expected: string, accepts: (value: number) => boolean): Rule<number> {
  return {
    expected,
    test: (value): value is number => typeof value === "number" && accepts(value),
  };
}

export function between(min: number, max: number): Rule<number> {
  return numberThat(`a number from ${min} to ${max}`, (value) => value >= min && value <= max);
}

/** @param expected also says what a large number means */
export function positiveNumber(expected: string): Rule<number> {
  return numberThat(expected, (value) => value > 0);
}

export const positiveInteger = numberThat(
  "a whole number, 1 or more",
  (value) => Number.isInteger(value) && value >= 1,
);

export const nonNegative = numberThat(
  "a number, 0 or more",
  (value) => value >= 0 && Number.isFinite(value),
);

export function anyOf<A, B>(first: Rule<A>, second: Rule<B>): Rule<A | B> {
  return {
    expected: `${first.expected}; or ${second.expected}`,
    test: (value): value is A | B => first.test(value) || second.test(value),
  };
}

type ValueOf<R> = R extends Rule<infer T> ? T : never;
type PartialTable<R> = { readonly [Name in keyof R]?: ValueOf<R[Name]> };

/** A table whose values may each be left out. Other names are ignored. */
export function partialTable<R extends Rules>(rules: R): Rule<PartialTable<R>> {
  return {
    expected: `a table of ${Object.keys(rules).join(", ")}`,
    test: (value): value is PartialTable<R> => {
      if (!isRecord(value)) return false;
      return Object.entries(rules).every(([name, rule]) => isLeftOutOrValid(value[name], rule));
    },
  };
}

export function isLeftOutOrValid(value: unknown, rule: Rule): boolean {
  return value === undefined || rule.test(value);
}
