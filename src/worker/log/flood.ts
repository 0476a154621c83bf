// Limits the log lines about requests that are refused for what they request. Anybody can send a flood of them, and
// every line costs money.

import type { Refusal } from "../http/refusal.ts";
import { isWithin } from "../util/time.ts";
import { logNotice } from "./log.ts";

type Event = Refusal["event"];

/** Whether an event has only a few lines in a minute. */
export const IS_BOUNDED = {
  // Anybody can cause these: they are about the request or one object alone.
  "loop-detected": true,
  "method-not-allowed": true,
  "health-denied": true,
  "purge-denied": true,
  "no-such-route": true,
  "no-such-variant": true,
  "impossible-key": true,
  "foreign-page": true,
  "signature-wrong": true,
  "url-expired": true,
  "rate-limited": true,
  "object-missing": true,
  "object-denied": true,
  "source-unreadable": true,
  "too-large-for-avif": true,
  "original-is-smaller": true,
  "wrong-type": true,
  // These may need an operator: all are logged.
  "configuration-broken": false,
  "slots-refused": false,
  "role-refused": false,
  "origin-denied": false,
  "origin-failed": false,
  "edge-contradicts": false,
  "quota-spent": false,
  "edge-refused": false,
  "edge-failed": false,
  "timed-out": false,
  "not-transformed": false,
} as const satisfies Record<Event, boolean>;

/** How many lines an event has in a minute, at most. */
const MAX_LINES = 10;
const MINUTE_MS = 60_000;

/** How often each event came in the minute that began at `since`: ms since 1970. */
type Flood = { readonly since: number; readonly times: Map<Event, number> };

const floods = new WeakMap<object, Flood>();

/**
 * Counts a refusal, and logs how many lines were left out in the minute before.
 * @param now ms since 1970
 * @returns whether this refusal gets a log line of its own
 */
export function shouldLog(env: object, event: Event, now: number): boolean {
  if (!IS_BOUNDED[event]) return true;
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
