// Limits the log lines about requests that are refused for what they request. Anybody can send a flood of them, and
// every line costs money.

import type { Refusal } from "../http/refusal.ts";
import { isWithin } from "../util/time.ts";
import { logNotice } from "./log.ts";

type Event = Refusal["event"];

/** The failures that anybody can cause: the fault of the request, or of one object alone. */
const HARMLESS: ReadonlySet<Event> = new Set([
  "loop-detected",
  "too-large-for-avif",
  "original-is-smaller",
  "wrong-type",
]);

/** How many lines an event has in a minute, at most. */
const MAX_LINES = 10;
const MINUTE_MS = 60_000;

/** How often each event came in the minute that began at `since`: ms since 1970. */
type Flood = { readonly since: number; readonly times: Map<Event, number> };

const floods = new WeakMap<object, Flood>();

/**
 * Counts a refusal, and logs how many lines were left out in the minute before. A failure that an operator may
 * have to end is always logged.
 * @param answered the status that the visitor gets
 * @param now ms since 1970
 * @returns whether this refusal gets a log line of its own
 */
export function shouldLog(env: object, event: Event, answered: number, now: number): boolean {
  if (answered >= 500 && !HARMLESS.has(event)) return true;
  const last = floods.get(env);
  const isOver = !isWithin(MINUTE_MS, last?.since, now);
  const flood = last && !isOver ? last : { since: now, times: new Map<Event, number>() };
  floods.set(env, flood);
  if (last && isOver) logLeftOut(last);
  const times = (flood.times.get(event) ?? 0) + 1;
  flood.times.set(event, times);
  return times <= MAX_LINES;
}

function logLeftOut({ since, times }: Flood): void {
  for (const [event, count] of times) {
    if (count <= MAX_LINES) continue;
    const began = new Date(since).toISOString();
    logNotice({ event: "lines-left-out", of: event, times: count - MAX_LINES, since: began });
  }
}
