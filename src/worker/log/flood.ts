// Limits the log lines about requests that are refused for what they request. Anybody can send a flood of them, every
// line costs money, and a flood would hide the lines of real failures. After ten lines of an event within a minute the
// others are only counted, and the next minute begins with a line that says how many were left out. A failure of all
// objects has ten lines in each minute, too, and their number: that is enough for an operator, and for an alert.
// Each isolate counts for itself.

import type { Refusal } from "../http/refusal.ts";
import { isWithin } from "../util/time.ts";
import { logNotice } from "./log.ts";

type Event = Refusal["event"];

/** The refusals of one minute, of one isolate. */
type Minute = {
  /** When the minute began: ms since 1970. */
  readonly since: number;
  /** How often each event came. */
  readonly times: Map<Event, number>;
};

/** An event has so many lines in a minute at most. */
const MAX_LINES = 10;

const MINUTE_MS = 60_000;

/**
 * The events of a status of 500 or more that anybody can cause: by a header, or by the URL of one odd object. Such an object
 * has a key that S3 refuses, S3 hangs or fails for it, or the edge cannot transform it or contradicts S3 about it.
 */
const CAUSED_BY_VISITORS: ReadonlySet<Event> = new Set([
  "loop-detected",
  "origin-denied",
  "origin-failed",
  "timed-out",
  "edge-contradicts",
  "edge-failed",
  "edge-refused",
  "not-transformed",
  "too-large-for-avif",
  "original-is-smaller",
  "wrong-type",
]);

/** The current minute, by the Worker's `env`. An isolate has one `env`. A test with another `env` counts from zero. */
const minutes = new WeakMap<object, Minute>();

/**
 * Counts a refusal. At the beginning of a minute it also logs how many lines were left out in the one before.
 * @param env the Worker's variables and bindings: one object in each isolate
 * @param answered the status that the visitor gets
 * @param now ms since 1970
 * @returns whether this refusal gets a log line of its own
 */
export function shouldLog(env: object, event: Event, answered: number, now: number): boolean {
  // A failure that no object causes is always logged: an operator has to end it.
  const mayNeedOperator = answered >= 500 && !CAUSED_BY_VISITORS.has(event);
  if (mayNeedOperator) return true;

  let minute = minutes.get(env);
  const isGoingOn = isWithin(MINUTE_MS, minute?.since, now);
  if (!minute || !isGoingOn) {
    if (minute) logLeftOut(minute);

    minute = { since: now, times: new Map() };
    minutes.set(env, minute);
  }

  const earlierTimes = minute.times.get(event) ?? 0;
  minute.times.set(event, earlierTimes + 1);
  return earlierTimes < MAX_LINES;
}

function logLeftOut({ since, times }: Minute): void {
  for (const [event, count] of times) {
    if (count <= MAX_LINES) continue;

    logNotice({
      event: "lines-left-out",
      of: event,
      times: count - MAX_LINES,
      since: new Date(since).toISOString(),
    });
  }
}
