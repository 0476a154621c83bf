// What the doctor finds: a value, made from the table of causes and the facts of the case.

import { CAUSES, type CauseId, type Check, type FactsOf } from "./checks/index.ts";

export type Severity = "ok" | "note" | "warning" | "error";

export type Finding = {
  /** The bucket, slot, route or URL. */
  readonly about: string;
  /** The bucket's name in wrangler.toml, if it is about one. */
  readonly bucket?: string;
  /** Where the key comes from that it is about, as `the environment`, and the end of its id. */
  readonly from?: string | undefined;
  readonly key?: string | undefined;
  readonly check: Check;
  readonly severity: Severity;
  readonly cause?: CauseId;
  readonly what: string;
  readonly why?: string;
  readonly remedy?: string;
  /** Whether the remedy changes wrangler.toml. */
  readonly deploys?: boolean;
};

/** A finding that does not say yet what it is about. */
export type Diagnosis = Omit<Finding, "about">;

/** @param local whether it is about the local run, which may need another remedy */
export function diagnose<Id extends CauseId>(
  cause: Id,
  facts: FactsOf<Id>,
  local = false,
): Diagnosis {
  const entry = CAUSES.get(cause);
  if (entry === undefined) throw new Error(`no check has the cause ${cause}`);
  const { check, severity = "error", remedy, here = remedy, deploys } = entry;
  const values: Readonly<Record<string, string | number>> = facts;
  const fill = (text: string) =>
    text.replace(/\{(\w+)\}/g, (hole, name: string) => `${values[name] ?? hole}`);
  const [what, why] = [fill(entry.what), fill(entry.why)];
  const found = { check, severity, cause, what, why, remedy: fill(local ? here : remedy) };
  return { ...found, ...(deploys && { deploys }) };
}

export function well(check: Check, what: string): Diagnosis {
  return { check, severity: "ok", what };
}

/** What is not wrong, or cannot be known. */
export function note(check: Check, what: string): Diagnosis {
  return { check, severity: "note", what };
}

export function findingsOn(about: string, diagnoses: readonly Diagnosis[]): Finding[] {
  return diagnoses.map((diagnosis) => ({ about, ...diagnosis }));
}

/** A fault of one slot is only a warning if another one works. */
export function lessen<T extends Diagnosis>(diagnosis: T, working: string): T {
  return { ...diagnosis, severity: "warning", why: `only slot ${working} works` };
}

/** How far a clock is off, for a text. @param ahead seconds; undefined: S3 says only that it is too far off */
export function apartness(ahead: number | undefined): string {
  if (ahead === undefined) return "more than 15 minutes off";
  return `${Math.abs(ahead)} s ${ahead < 0 ? "behind" : "ahead of"}`;
}
