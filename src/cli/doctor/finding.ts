// What the doctor finds: a value, made from the table of causes and the facts of the case.

import { CAUSES, type CauseId, type Check, type FactsOf } from "./checks/index.ts";

export type Severity = "ok" | "note" | "warning" | "error";

export type Finding = {
  /** Which bucket, slot, route or URL it is about. */
  readonly about: string;
  /** The bucket's name in wrangler.toml, if it is about one. */
  readonly bucket?: string;
  readonly check: Check;
  readonly severity: Severity;
  /** The id of what is wrong, in the table of causes. */
  readonly cause?: CauseId;
  readonly what: string;
  /** Why it matters. */
  readonly why?: string;
  /** The command or the click that fixes it. */
  readonly remedy?: string;
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
  const { check, severity = "error", what, why, remedy, here = remedy } = entry;
  return {
    check,
    severity,
    cause,
    what: fill(what, facts),
    why: fill(why, facts),
    remedy: fill(local ? here : remedy, facts),
  };
}

function fill(text: string, facts: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (hole, name: string) => `${facts[name] ?? hole}`);
}

export function found<Id extends CauseId>(
  about: string,
  cause: Id,
  facts: FactsOf<Id>,
  local = false,
): Finding {
  return { about, ...diagnose(cause, facts, local) };
}

export function well(about: string, check: Check, what: string): Finding {
  return { about, check, severity: "ok", what };
}

/** What is not wrong, or cannot be known. */
export function note(about: string, check: Check, what: string): Finding {
  return { about, check, severity: "note", what };
}
