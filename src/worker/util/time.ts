// Time: whether something was recent, how often it is logged, and timeouts. The clock can be set back. A remembered
// moment then lies in the future, and must not hold anything up for longer than usual.

/**
 * Returns whether a moment is less than `ms` away from now, in the past or in the future. Example: an event is logged
 * at 12:00, and then the clock is set back to 11:00. With `now - momentMs < ms`, nothing would be logged for an hour.
 * @param momentMs ms since 1970; undefined if it never was
 * @param now ms since 1970
 */
export function isWithin(ms: number, momentMs: number | undefined, now: number): boolean {
  if (momentMs === undefined) return false;
  return Math.abs(now - momentMs) < ms;
}

/** What is remembered of an event that lasts, to log it once a minute. */
export type LogCount = {
  /** When the event was last logged: ms since 1970. */
  readonly loggedAtMs: number;
  /** How often it has happened since then. */
  readonly unloggedTimes: number;
};

/** An event that lasts is logged once in this time: ms. */
export const LOG_PERIOD_MS = 60_000;

/**
 * Counts an event that happens now.
 * @param last what was remembered of it; undefined if it has not happened before
 * @param now ms since 1970
 * @returns `times`: how often it has happened since it was last logged, with this time. `logCount`: what the caller has
 *   to remember, and to pass as `last` the next time
 */
export function countForLog(last: LogCount | undefined, now: number) {
  const unloggedTimes = last?.unloggedTimes ?? 0;
  const times = unloggedTimes + 1;

  if (last && isWithin(LOG_PERIOD_MS, last.loggedAtMs, now)) {
    return { times, shouldLog: false, logCount: { ...last, unloggedTimes: times } };
  }
  return { times, shouldLog: true, logCount: { loggedAtMs: now, unloggedTimes: 0 } };
}

/** In place of the result of a promise that took too long. */
export const TIMED_OUT = Symbol("timed out");

/**
 * Waits for a promise for so long. The work behind it is not stopped, and its later result or error is dropped.
 * @returns the result of `work`, or TIMED_OUT if it takes longer than `ms`
 */
export function withTimeout<T>(ms: number, work: Promise<T>): Promise<T | typeof TIMED_OUT> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms, TIMED_OUT);
    const stopTimer = () => clearTimeout(timer);

    work.then(stopTimer, stopTimer);
    // If the timer was first, `resolve` and `reject` do nothing any more.
    work.then(resolve, reject);
  });
}

/** How long to wait before a failed request is tried again: ms. */
const PAUSE_MS = 300;

/**
 * Pauses before another try, if the deadline leaves time for it.
 * @param deadline ms since 1970
 * @returns whether there is time for another try; if not, it returns at once
 */
export async function pauseBefore(deadline: number): Promise<boolean> {
  const nextTryMs = Date.now() + PAUSE_MS;
  if (nextTryMs >= deadline) return false;

  await scheduler.wait(PAUSE_MS); // a global of the Workers runtime
  return true;
}
