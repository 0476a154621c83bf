// Time, by a clock that can be set back: whether something was recent, how often it is logged, and timeouts.

/**
 * Returns whether `at` is less than `ms` away from now, in either direction. A clock that was set back
 * by more than `ms` ends a wait.
 */
export function isWithin(ms: number, at: number | undefined, now: number): boolean {
  return at !== undefined && Math.abs(now - at) < ms;
}

/** When an event was last logged (ms since 1970), and how often it has happened since. */
export type LogCount = { readonly at: number; readonly since: number };

/** An event that lasts is logged once in this time: ms. */
export const LOG_PERIOD_MS = 60_000;

/** Counts an event once more: how often it has happened since it was last logged, and whether to log it now. */
export function countForLog(last: LogCount | undefined, now: number) {
  const times = (last?.since ?? 0) + 1;
  const shouldLog = last === undefined || !isWithin(LOG_PERIOD_MS, last.at, now);
  const next: LogCount = shouldLog ? { at: now, since: 0 } : { at: last.at, since: times };
  return { times, shouldLog, next };
}

/** In place of the result of a promise that took too long. */
export const TIMED_OUT = Symbol("timed out");

/** The result of `work`, or TIMED_OUT if it takes longer than `ms`. */
export function withTimeout<T>(ms: number, work: Promise<T>): Promise<T | typeof TIMED_OUT> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms, TIMED_OUT);
    const stop = () => clearTimeout(timer);
    work.then(stop, stop);
    work.then(resolve, reject);
  });
}

const PAUSE_MS = 300;

/**
 * @param deadline ms since 1970
 * @returns whether there is time for another try
 */
export async function pauseBefore(deadline: number): Promise<boolean> {
  if (Date.now() + PAUSE_MS >= deadline) return false;
  await scheduler.wait(PAUSE_MS);
  return true;
}
