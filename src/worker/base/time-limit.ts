/** What stands for a promise that took too long. */
export const LATE = Symbol("late");

/** What a promise gives, or LATE where it takes longer than so many milliseconds. */
export function within<T>(ms: number, work: Promise<T>): Promise<T | typeof LATE> {
  return new Promise((settle, fail) => {
    const timer = setTimeout(() => settle(LATE), ms);
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
