// Reads the line EDGE='{…}' of .dev.vars: the switches of the local edge. No I/O.

import { parseEnv } from "node:util";
import { checkSettings, flag, type Rules } from "../emulator/check.ts";
import { SWITCH_RULES, type Switches } from "../emulator/edge/switches.ts";
import { isPlainObject } from "../worker/util/json.ts";

// The local run has no switches about this machine, workers.dev, unimplemented options or the URL interface.
const { workersDev, firewall, keptForAll, qualities, limits, plain, unplayable, ...rules } =
  SWITCH_RULES;
/** `store` is no switch of the edge: local-project.ts reads it. */
const RULES: Rules = { ...rules, store: flag };

/** A line that gives EDGE a value. The last such line counts. */
const LINE = /^\s*(?:export\s+)?EDGE(?:\s*=|:\s)/;

/** Reads the switches in the text of .dev.vars, whose name is `file`; or returns the faults with their line. */
export function readSwitches(
  text: string,
  file: string,
): Partial<Switches> | { readonly faults: readonly string[] } {
  const line = text.split("\n").findLastIndex((one) => LINE.test(one)) + 1;
  const fail = (message: string) => {
    return { faults: message.split("\n").map((one) => `${file}:${line}: ${one}`) };
  };
  try {
    const table: unknown = JSON.parse(parseEnv(text)["EDGE"] ?? "{}");
    if (!isPlainObject(table)) return fail("EDGE: is not a table of switches");
    checkSettings("EDGE", table, {}, RULES);
    const { store: _store, ...switches } = table;
    return switches;
  } catch (error) {
    const message = error instanceof Error ? error.message : `${error}`;
    if (!(error instanceof SyntaxError)) return fail(message);
    return fail(`EDGE: is not JSON (${message}): write it as EDGE='{"transformations":false}'`);
  }
}
