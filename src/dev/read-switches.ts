// Reads the line EDGE='{…}' of .dev.vars: the switches of the local edge. No I/O.

import { parseEnv } from "node:util";
import { checkSettings, flag, type Rules } from "../emulator/check.ts";
import { SWITCH_RULES, type Switches } from "../emulator/edge/switches.ts";
import { isPlainObject } from "../worker/util/json.ts";

/** The switches of the edge that the local run has, and `store`, which local-project.ts reads. */
const RULES: Rules = { ...localRules(), store: flag };

/** Leaves out switches about this machine, workers.dev, what is not implemented, and the URL interface. */
function localRules(): Rules {
  const {
    workersDev,
    firewall,
    urlInterfaceShowsPrivate,
    qualities,
    limits,
    httpHosts,
    unsupportedOptions,
    heicInput,
    ...rules
  } = SWITCH_RULES;
  return rules;
}

/** A line that gives EDGE a value. The last such line counts. */
const LINE = /^\s*(?:export\s+)?EDGE(?:\s*=|:\s)/;

type SwitchesResult =
  | { readonly kind: "switches"; readonly switches: Partial<Switches> }
  /** Each fault begins with the file and its line. */
  | { readonly kind: "faults"; readonly faults: readonly string[] };

/** Reads the switches in the text of .dev.vars, whose name is `file`. */
export function readSwitches(text: string, file: string): SwitchesResult {
  try {
    const json = parseEnv(text)["EDGE"] ?? "{}";
    const table: unknown = JSON.parse(json);
    if (!isPlainObject(table)) return refuse(text, file, "EDGE: is not a table of switches");

    checkSettings("EDGE", table, {}, RULES);
    const { store: _store, ...switches } = table;
    return { kind: "switches", switches };
  } catch (error) {
    const message = error instanceof Error ? error.message : `${error}`;
    if (!(error instanceof SyntaxError)) return refuse(text, file, message);

    return refuse(
      text,
      file,
      `EDGE: is not JSON (${message}): write it as EDGE='{"transformations":false}'`,
    );
  }
}

/** @param message one line a fault */
function refuse(text: string, file: string, message: string): SwitchesResult {
  const index = text.split("\n").findLastIndex((line) => LINE.test(line));
  const faults = message.split("\n").map((fault) => `${file}:${index + 1}: ${fault}`);
  return { kind: "faults", faults };
}
