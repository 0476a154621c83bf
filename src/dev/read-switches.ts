// Reads the line EDGE='{…}' of .dev.vars: the switches of the local edge. No I/O.

import { parseEnv } from "node:util";
import { type Fault, isFault } from "../emulator/edge/faults.ts";
import type { Switches } from "../emulator/edge/switches.ts";
import { isTable } from "../worker/base/json.ts";
import { custom, integer, oneOf, optional, type Report, table } from "../worker/config/schema.ts";

const flag = oneOf(true, false);
const marks = oneOf("marked", "unmarked");
const count = integer(0, Number.MAX_SAFE_INTEGER);
const origins = custom("a list of hosts, with or without paths", (value): value is string[] => {
  return Array.isArray(value) && value.every((origin) => typeof origin === "string");
});
const trouble = custom("a failure of the edge, such as 9522/503", (value): value is Fault =>
  isFault(value),
);

/**
 * All switches, except those about this machine, about workers.dev, about options that are not
 * implemented, and about the URL interface, which the local run does not have.
 */
const entries = {
  transformations: optional(flag),
  sources: optional(origins),
  sourcePaths: optional(oneOf("segments", "characters")),
  urlTransformations: optional(oneOf("on", "off", "off-for-workers-too")),
  quota: optional(count),
  trouble: optional(trouble),
  authAfterRedirect: optional(flag),
  svg: optional(marks),
  avifTooLarge: optional(oneOf("webp", "jpeg", "passed-through")),
  animationTooLarge: optional(marks),
  originalIsSmaller: optional(
    table({ of: oneOf("bytes", "sides"), sent: oneOf("original", "print") }),
  ),
  formatAuto: optional(oneOf("refused", "first-come")),
  conditions: optional(oneOf("kept", "passed-on")),
  originalFormat: optional(oneOf("type", "name")),
  originHeaders: optional(oneOf("kept", "leaked")),
  overlayAuth: optional(flag),
  avifInput: optional(flag),
  cache: optional(flag),
  denialsKept: optional(count),
  patience: optional(count),
} as const;
const switches = table(entries);

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
  const known = Object.entries(given).filter(([name]) => Object.hasOwn(entries, name));
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(entries, name));
  for (const name of unknown) {
    report(`EDGE.${name}`, `unknown switch. Known: ${Object.keys(entries).join(", ")}`);
  }
  const read = switches(Object.fromEntries(known), "EDGE", report);
  return unknown.length > 0 ? undefined : read;
}

const WRITE = `write it as EDGE='{"transformations":false}'`;

function parse(text: string, report: Report) {
  try {
    const given: unknown = JSON.parse(text);
    if (isTable(given)) return given;
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
