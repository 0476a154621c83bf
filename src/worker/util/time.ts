// Times, by a clock that can be set back: how long ago, how often, and for how long to wait.

/**
 * Returns whether `at` is less than `ms` away from now, in either direction. A clock that was set back
 * by more than that ends a wait.
 */
export function isWithin(ms: number, at: number | undefined, now: number): boolean {
  return at !== undefined && Math.abs(now - at) < ms;
}

/** When it was last logged (ms since 1970), and how often it has happened since. */
export type Repeated = { readonly at: number; readonly since: number };

/** How often something that lasts is logged: ms. */
export const WHILE_MS = 60_000;

/** Counts one more. It is logged again if it was not within the last minute. */
export function countRepeated(last: Repeated | undefined, now: number) {
  const times = (last?.since ?? 0) + 1;
  const isReported = last !== undefined && isWithin(WHILE_MS, last.at, now);
  const next: Repeated = isReported ? { at: last.at, since: times } : { at: now, since: 0 };
  return { times, isReported, next };
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
 * @returns whether there is time to ask again
 */
export async function pauseBefore(deadline: number): Promise<boolean> {
  if (Date.now() + PAUSE_MS >= deadline) return false;
  await scheduler.wait(PAUSE_MS);
  return true;
}
