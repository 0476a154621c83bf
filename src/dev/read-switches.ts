// Reads the line EDGE='{…}' of .dev.vars: the switches of the local edge.

import { type Fault, isFault } from "../emulator/edge/faults.ts";
import type { Switches } from "../emulator/edge/switches.ts";
import { json } from "../worker/base/json.ts";
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
const switches = table({
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
  originHeaders: optional(oneOf("kept", "leaked")),
  overlayAuth: optional(flag),
  avifInput: optional(flag),
  cache: optional(flag),
  denialsKept: optional(count),
  patience: optional(count),
});

/**
 * Reads the switches of `EDGE`.
 * @param text the value of the line; undefined: there is no such line
 * @returns undefined if the value is wrong; `report` is told why
 */
export function readSwitches(text: unknown, report: Report): Partial<Switches> | undefined {
  const given = json(text ?? "{}");
  if (typeof given !== "string") return switches(given, "EDGE", report);
  report("EDGE", `is not JSON, such as '{"transformations":false}'`);
  return undefined;
}
