// Reads the line EDGE='{…}' of .dev.vars: the switches of the local edge. No I/O.

import { parseEnv } from "node:util";
import { flag, mistake, type Rules } from "../emulator/check.ts";
import { SWITCH_RULES, type Switches } from "../emulator/edge/switches.ts";
import { isPlainObject } from "../worker/base/json.ts";
import type { Report } from "../worker/config/schema.ts";

// The local run has no switches about this machine, about workers.dev, about options that are not
// implemented, or about the URL interface.
const { workersDev, firewall, keptForAll, qualities, limits, plain, unplayable, ...rules } =
  SWITCH_RULES;
/** `store` is no switch of the edge: cli/config/local-run.ts reads it. */
const RULES: Rules = { ...rules, store: flag };

/**
 * Reads the switches of `EDGE`.
 * @param text the value of the line; undefined: there is no such line
 * @returns undefined if the value is wrong; `report` is told why
 */
export function readSwitches(
  text: string | undefined,
  report: Report,
): Partial<Switches> | undefined {
  const given = parse(text ?? "{}", report);
  if (given === undefined) return undefined;
  const wrong = Object.entries(given).flatMap(([name, value]) => {
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
    if (rule?.test(value)) return [];
    return [[name, rule === undefined ? UNKNOWN : mistake(value, rule)] as const];
  });
  for (const [name, message] of wrong) report(`EDGE.${name}`, message);
  const { store: _store, ...ofEdge } = given;
  return wrong.length > 0 ? undefined : ofEdge;
}

const UNKNOWN = `unknown switch. Known: ${Object.keys(RULES).join(", ")}`;
const WRITE = `write it as EDGE='{"transformations":false}'`;

function parse(text: string, report: Report) {
  try {
    const given: unknown = JSON.parse(text);
    if (isPlainObject(given)) return given;
    report("EDGE", `is not a table of switches: ${WRITE}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    report("EDGE", `is not JSON (${reason}): ${WRITE}`);
  }
  return undefined;
}

/** A line that gives EDGE a value. The last one counts. */
const LINE = /^\s*(?:export\s+)?EDGE(?:\s*=|:\s)/;

/**
 * Reads the switches in the text of .dev.vars.
 * @param file its name
 * @returns undefined if they are wrong; `warn` is told why, and in which line
 */
export function switchesIn(
  text: string,
  file: string,
  warn: (line: string) => void,
): Partial<Switches> | undefined {
  const line = text.split("\n").findLastIndex((one) => LINE.test(one)) + 1;
  return readSwitches(parseEnv(text)["EDGE"], (path, message) =>
    warn(`${file}:${line}: ${path}: ${message}`),
  );
}
