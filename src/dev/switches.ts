// The line EDGE='{…}' of .dev.vars: what the local edge is to play.

import { type Fault, isFault } from "../emulator/edge/faults.ts";
import type { Switches } from "../emulator/edge/switches.ts";
import { json } from "../worker/base/json.ts";
import { is, may, oneOf, type Report, table, whole } from "../worker/config/schema.ts";

const flag = oneOf(true, false);
const marks = oneOf("marked", "unmarked");
const count = whole(0, Number.MAX_SAFE_INTEGER);
const hosts = is("a list of hosts", (value): value is string[] => {
  return Array.isArray(value) && value.every((host) => typeof host === "string");
});
const trouble = is("a failure of the edge, as 9522/503", (value): value is Fault => isFault(value));

/** All but those that are about this machine, or about what the strict edge cannot play. */
const switches = table({
  transformations: may(flag),
  sources: may(hosts),
  quota: may(count),
  trouble: may(trouble),
  authAfterRedirect: may(flag),
  svg: may(marks),
  avifTooLarge: may(oneOf("webp", "jpeg", "passed-through")),
  animationTooLarge: may(marks),
  originalIsSmaller: may(table({ of: oneOf("bytes", "sides"), sent: oneOf("original", "print") })),
  formatAuto: may(oneOf("refused", "first-come")),
  conditions: may(oneOf("kept", "passed-on")),
  originHeaders: may(oneOf("kept", "leaked")),
  overlayAuth: may(flag),
  avifInput: may(flag),
  cache: may(flag),
  denialsKept: may(count),
  patience: may(count),
});

/**
 * Reads the switches of `EDGE`.
 * @param text the line's value; undefined: there is none, and nothing to play
 * @returns undefined where something is wrong with it, which is reported
 */
export function readSwitches(text: unknown, report: Report): Partial<Switches> | undefined {
  const given = json(text ?? "{}");
  if (typeof given !== "string") return switches(given, "EDGE", report);
  report("EDGE", `is not JSON, such as '{"transformations":false}'`);
  return undefined;
}
