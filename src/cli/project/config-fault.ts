// What is wrong with the configuration of this folder. A mistake is a value; `configFault` alone makes
// text of it.

import { type Mistake, mistakeText } from "../../worker/base/mistake.ts";
import type { Fault } from "../command.ts";

export type FoundMistake = Mistake & {
  /** What holds the wrong value, if not wrangler.toml: `.dev.vars`, `the environment`, a file's name. */
  readonly from?: string;
  /** The line and column of a file that cannot be read: `2:7`. */
  readonly at?: string;
};

/** All mistakes, as values and as one text. */
export type ConfigFault = Fault & { readonly mistakes: readonly FoundMistake[] };

/** What is right, but probably not what was meant. */
export type Warning = { readonly what: string; readonly remedy: string };

export function configFault(mistakes: readonly FoundMistake[]): ConfigFault {
  const lines = ["The configuration has mistakes:", ...mistakes.map(foundText)];
  return { fault: lines.join("\n  "), mistakes };
}

/** A mistake as one line: `.dev.vars: BUCKETS.media.region: is missing`. */
export function foundText({ from, at, path, message }: FoundMistake): string {
  const text = mistakeText({ path: at === undefined ? path : `${path}:${at}`, message });
  return from === undefined ? text : `${from}: ${text}`;
}

export function isSameMistake(one: Mistake, other: Mistake): boolean {
  return one.path === other.path && one.message === other.message;
}
