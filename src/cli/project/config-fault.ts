// What is wrong with the configuration of this folder. A mistake is a value; `configFault` alone makes
// text of it.

import { type Mistake, mistakeText } from "../../worker/base/mistake.ts";
import type { Fault } from "../command.ts";

export type FoundMistake = Mistake & {
  /** The environment that has it; undefined: the top level. */
  readonly environment?: string | undefined;
  /** What holds the wrong value, if not the configuration: `.dev.vars`, `the environment`, a file's name. */
  readonly from?: string;
  /** The line and column of a file that cannot be read: `2:7`. */
  readonly at?: string;
};

/** All mistakes, as values and as one text. */
export type ConfigFault = Fault & { readonly mistakes: readonly FoundMistake[] };

/** What is right, but probably not what was meant. */
export type Warning = {
  readonly what: string;
  readonly remedy: string;
  /** The environment that it is about; undefined: the top level. */
  readonly environment?: string | undefined;
};

export function configFault(mistakes: readonly FoundMistake[]): ConfigFault {
  const lines = ["The configuration has mistakes:", ...mistakes.map(foundText)];
  return { fault: lines.join("\n  "), mistakes };
}

/** A mistake as one line: `env.staging: .dev.vars: BUCKETS.media.region: is missing`. */
export function foundText({ environment, from, at, path, message }: FoundMistake): string {
  const text = mistakeText({ path: at === undefined ? path : `${path}:${at}`, message });
  return (
    (environment === undefined ? "" : `env.${environment}: `) +
    (from === undefined ? text : `${from}: ${text}`)
  );
}

/** A warning as one line. */
export function warningText({ environment, what, remedy }: Warning): string {
  return `${environment === undefined ? "" : `env.${environment}: `}${what}: ${remedy}`;
}

export function isSameMistake(one: Mistake, other: Mistake): boolean {
  return one.path === other.path && one.message === other.message;
}
