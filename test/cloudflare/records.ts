// What a run has seen, as a file that anybody may read, and its comparison with what the emulators answer.

import type { Reply } from "./operation.ts";
import type { Verdict } from "./probe.ts";

/** What was seen in one case of a rule, and whether the verdict is of it: only such cases are compared. */
export type Case = {
  readonly rule: string;
  readonly case: string;
  readonly isJudged: boolean;
} & Pick<Reply, "status" | "headers" | "size" | "sides">;

export type Run = {
  readonly date: string;
  readonly wrangler: string;
  readonly host: "zone" | "workers.dev";
  readonly verdicts: readonly Omit<Verdict & { readonly rule: string }, "records">[];
  readonly cases: readonly Case[];
};

/** What stands for a name of the account: `{ "images.example": "<zone>" }`. */
export type Hidden = Readonly<Record<string, string>>;

export function hide(text: string, hidden: Hidden): string {
  const longestFirst = Object.entries(hidden).sort(([a], [b]) => b.length - a.length);
  return longestFirst.reduce((rest, [name, mark]) => rest.replaceAll(name, mark), text);
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

/** What depends on the source, or on how long the zone lets browsers keep it. */
const OF_SETUP = ["cache-control", "last-modified"];

/** The cases of a verdict, without names of the account. */
export function casesOf(rule: string, { records }: Verdict, hidden: Hidden): Case[] {
  return records.map(({ name, isJudged, status, size, sides, headers }) => {
    const recorded = Object.entries(headers).filter(([header]) => PATTERNS[header] !== undefined);
    const fields = { rule, isJudged, status, size, ...(sides !== undefined && { sides }) };
    const hiddenHeaders = recorded.map(([header, value]) => [header, hide(value, hidden)]);
    return { ...fields, case: hide(name, hidden), headers: Object.fromEntries(hiddenHeaders) };
  });
}

/** Says in what a case differs from the same case of the emulators: nothing, where both are alike. */
export function compareCases(real: Case, emulated: readonly Case[]): string[] {
  const isPlayed = emulated.some(({ rule }) => rule === real.rule);
  if (!real.isJudged || !isPlayed) return [];
  const twin = emulated.find((one) => one.rule === real.rule && one.case === real.case);
  const title = `${real.rule}, ${real.case}`;
  if (twin === undefined) return [`${title}: the emulators have no such case`];
  const patternOf = ({ headers }: Case, name: string) =>
    headers[name] === undefined ? "none" : (PATTERNS[name]?.(headers[name]) ?? headers[name]);
  const all = new Set([...Object.keys(real.headers), ...Object.keys(twin.headers)]);
  const headers = [...all].filter((name) => !OF_SETUP.includes(name));
  const fields = [
    ["status", real.status, twin.status],
    ["sides", real.sides, twin.sides],
    ["body", real.size > 0, twin.size > 0],
    ...headers.map((name) => [name, patternOf(real, name), patternOf(twin, name)]),
  ];
  return fields
    .filter(([, theirs, ours]) => theirs !== ours)
    .map(([field, theirs, ours]) => `${title}: ${field} is ${theirs}, in the emulators ${ours}`);
}
