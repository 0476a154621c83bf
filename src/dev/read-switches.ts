// Reads the line EDGE='{…}' of .dev.vars: the switches of the local edge. No I/O.

import { parseEnv } from "node:util";
import { checkSettings, flag, type Rules } from "../emulator/check.ts";
import { SWITCH_RULES, type Switches } from "../emulator/edge/switches.ts";
import { isPlainObject } from "../worker/util/json.ts";

// The local run has no switches about this machine, workers.dev, what is not implemented, or the URL interface.
const { workersDev, firewall, urlInterfaceShowsPrivate, qualities, limits, httpHosts, ...others } =
  SWITCH_RULES;
const { unsupportedOptions, heicInput, ...rules } = others;
/** `store` is no switch of the edge: local-project.ts reads it. */
const RULES: Rules = { ...rules, store: flag };

/** A line that gives EDGE a value. The last such line counts. */
const LINE = /^\s*(?:export\s+)?EDGE(?:\s*=|:\s)/;

type SwitchesResult =
  | { readonly kind: "switches"; readonly switches: Partial<Switches> }
  /** Each fault begins with the file and its line. */
  | { readonly kind: "faults"; readonly faults: readonly string[] };

/** Reads the switches in the text of .dev.vars, whose name is `file`. */
export function readSwitches(text: string, file: string): SwitchesResult {
  const line = text.split("\n").findLastIndex((textLine) => LINE.test(textLine)) + 1;
  const refuse = (message: string): SwitchesResult => {
    const faults = message.split("\n").map((fault) => `${file}:${line}: ${fault}`);
    return { kind: "faults", faults };
  };

  try {
    const table: unknown = JSON.parse(parseEnv(text)["EDGE"] ?? "{}");
    if (!isPlainObject(table)) return refuse("EDGE: is not a table of switches");
    checkSettings("EDGE", table, {}, RULES);

    const { store: _store, ...switches } = table;
    return { kind: "switches", switches };
  } catch (error) {
    const message = error instanceof Error ? error.message : `${error}`;
    if (!(error instanceof SyntaxError)) return refuse(message);
    return refuse(`EDGE: is not JSON (${message}): write it as EDGE='{"transformations":false}'`);
  }
}
