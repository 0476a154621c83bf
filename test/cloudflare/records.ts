// What a run has seen, as a file that anybody may read, and its comparison with what the emulators answer.

import type { Recorded, Verdict } from "./probe.ts";

/** What was seen in one case of a rule. */
export type Case = { readonly rule: string; readonly case: string } & Omit<Recorded, "name">;

/** The file of a run. */
export type Run = {
  /** `2026-11-29` */
  readonly date: string;
  readonly wrangler: string;
  readonly host: "zone" | "workers.dev";
  readonly verdicts: readonly Omit<Verdict & { readonly rule: string }, "records">[];
  readonly cases: readonly Case[];
};

/** What stands for a name of the account: `{ "images.example": "<zone>" }`. */
export type Hidden = Readonly<Record<string, string>>;

export function hide(text: string, hidden: Hidden): string {
  const longestFirst = Object.entries(hidden).sort(([one], [other]) => other.length - one.length);
  return longestFirst.reduce(
    (shown, [name, placeholder]) => shown.replaceAll(name, placeholder),
    text,
  );
}

const exact = (value: string) => value.toLowerCase().replaceAll(" ", "");
const presence = () => "any";

/**
 * The headers that a record may have, and what of their values must be the same in the emulators: not what changes with
 * each run, or with the encoder.
 */
const PATTERNS: Readonly<Record<string, (value: string) => string>> = {
  age: presence,
  "cache-control": exact,
  "cf-cache-status": exact,
  "cf-resized": (value) => /^(?:internal=\w+|err=\d+)/.exec(value)?.[0] ?? value, // R1
  "content-encoding": exact,
  "content-length": presence,
  "content-range": presence,
  "content-type": exact,
  etag: (value) => value.replace(/^"cf.{42}:/, '"cf<42>:').replace(/[0-9a-f]{32,}/g, "<hash>"), // R4
  "last-modified": presence,
  "retry-after": presence,
  vary: exact,
  warning: (value) => /^cf-images \d+/.exec(value)?.[0] ?? value, // R6
};

/** The cases of a verdict, without names of the account. */
export function casesOf(rule: string, { records }: Verdict, hidden: Hidden): Case[] {
  return records.map(({ name, headers, ...seen }) => ({
    ...{ rule, case: hide(name, hidden), ...seen },
    headers: Object.fromEntries(
      Object.entries(headers)
        .filter(([header]) => PATTERNS[header] !== undefined)
        .map(([header, value]) => [header, hide(value, hidden)]),
    ),
  }));
}

/** Says in what a case differs from the same case of the emulators: nothing, where both are alike. */
export function compareCases(real: Case, emulated: readonly Case[]): string[] {
  const twin = emulated.find((other) => other.rule === real.rule && other.case === real.case);
  const title = `${real.rule}, ${real.case}`;
  if (twin === undefined) return [`${title}: the emulators have no such case`];
  const patternOf = ({ headers }: Case, name: string) => {
    const value = headers[name];
    return value === undefined ? "none" : (PATTERNS[name]?.(value) ?? value);
  };
  const statuses = { field: "status", seen: `${real.status}`, played: `${twin.status}` };
  const sides = { field: "sides", seen: `${real.sides}`, played: `${twin.sides}` };
  const bodies = { field: "body", seen: `${real.size > 0}`, played: `${twin.size > 0}` };
  const headers = [...new Set([...Object.keys(real.headers), ...Object.keys(twin.headers)])];
  const values = headers.map((name) => ({
    ...{ field: name, seen: patternOf(real, name), played: patternOf(twin, name) },
  }));
  return [statuses, sides, bodies, ...values]
    .filter(({ seen, played }) => seen !== played)
    .map(({ field, seen, played }) => `${title}: ${field} is ${seen}, in the emulators ${played}`);
}
