// Waits for a promise, for a limited time.

/** In place of the result of a promise that took too long. */
export const LATE = Symbol("late");

/** The result of `work`, or LATE if it takes longer than `ms`. */
export function within<T>(ms: number, work: Promise<T>): Promise<T | typeof LATE> {
  return new Promise((settle, fail) => {
    const timer = setTimeout(settle, ms, LATE);
    work.then(
      (value) => {
        clearTimeout(timer);
        settle(value);
      },
      (error) => {
        clearTimeout(timer);
        fail(error);
      },
    );
  });
}
