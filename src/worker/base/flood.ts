// Bounds how many log lines there are about requests that are refused for what they ask. Anybody can send a flood
// of them, and every line costs money.

import { isWithin } from "./is-within.ts";
import { logNotice } from "./log.ts";
import type { Notice } from "./notice.ts";
import type { Refusal } from "./refusal.ts";

type Event = Refusal["event"];

/** These need nothing but the request, or one object. Other refusals may need an operator: all are logged. */
const BOUNDED: ReadonlySet<Event> = new Set<Event>([
  "no-such-route",
  "no-such-variant",
  "impossible-key",
  "signature-wrong",
  "method-not-allowed",
  "foreign-page",
  "url-expired",
  "rate-limited",
  "loop-detected",
  "health-denied",
  "purge-denied",
  "object-missing",
  "object-denied",
  "source-unreadable",
  "original-is-smaller",
  "too-large-for-avif",
  "wrong-type",
]);

/** How many lines an event has in a minute, at most. */
const LINES = 10;
const MINUTE_MS = 60_000;

/** How often each event came in the minute that began at `since`: ms since 1970. */
export type Flood = {
  readonly since: number;
  readonly times: ReadonlyMap<Event, number>;
};

export const NO_FLOOD: Flood = { since: 0, times: new Map() };

/**
 * Counts a refusal.
 * @param now ms since 1970
 * @returns whether it gets a log line of its own, and what to log about the minute before
 */
export function countLine(
  flood: Flood,
  event: Event,
  now: number,
): { flood: Flood; isLogged: boolean; notices: readonly Notice[] } {
  if (!BOUNDED.has(event)) return { flood, isLogged: true, notices: [] };
  const isOver = !isWithin(MINUTE_MS, flood.since, now);
  const { since, times } = isOver ? { since: now, times: NO_FLOOD.times } : flood;
  const count = (times.get(event) ?? 0) + 1;
  return {
    flood: { since, times: new Map([...times, [event, count]]) },
    isLogged: count <= LINES,
    notices: isOver ? leftOut(flood) : [],
  };
}

function leftOut({ since, times }: Flood): Notice[] {
  return [...times]
    .filter(([, count]) => count > LINES)
    .map(([of, count]) => {
      const began = new Date(since).toISOString();
      return { event: "lines-left-out", of, times: count - LINES, since: began };
    });
}

const floods = new WeakMap<object, Flood>();

/**
 * Counts a refusal, and logs how many lines were left out in the minute before.
 * @param now ms since 1970
 * @returns whether this refusal gets a log line of its own
 */
export function shouldLog(env: object, event: Event, now: number): boolean {
  const counted = countLine(floods.get(env) ?? NO_FLOOD, event, now);
  floods.set(env, counted.flood);
  counted.notices.forEach(logNotice);
  return counted.isLogged;
}
