// Bounds the lines about requests that cannot be right: anybody can send a flood of them, and each line of
// the log is paid for. Pure: `now` is passed in.

import type { Notice } from "./notice.ts";
import type { Refusal } from "./refusal.ts";

type Event = Refusal["event"];

/** A 404 by the URL's own fault, or a 405. Other refusals may need an operator, and are always told. */
const BOUNDED: ReadonlySet<Event> = new Set<Event>([
  "no-such-route",
  "no-such-variant",
  "impossible-key",
  "signature-wrong",
  "method-not-allowed",
]);

/** How many lines each event has in a minute. */
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
 * @returns whether it has a line of its own, and what to tell of the minute before
 */
export function countLine(
  flood: Flood,
  event: Event,
  now: number,
): { flood: Flood; isTold: boolean; notices: readonly Notice[] } {
  if (!BOUNDED.has(event)) return { flood, isTold: true, notices: [] };
  const isOver = Math.abs(now - flood.since) >= MINUTE_MS;
  const { since, times } = isOver ? { since: now, times: NO_FLOOD.times } : flood;
  const count = (times.get(event) ?? 0) + 1;
  return {
    flood: { since, times: new Map([...times, [event, count]]) },
    isTold: count <= LINES,
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
