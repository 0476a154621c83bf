// Bounds how much of something is taken at a time, such as memory. No clock, no I/O.

/** Returns what gives it back. */
export type Take = (amount: number) => Promise<() => void>;

/** Waits until there is so much, does the work, and returns what that returns. */
export type Within = <T>(amount: number, work: () => Promise<T>) => Promise<T>;

/**
 * Who asks first is served first, so a large amount is not overtaken for ever. An amount above `most` gets all.
 * @param most how much is there
 */
export function createBudget(most: number): Take {
  let free = most;
  const waiting: { readonly amount: number; readonly begin: () => void }[] = [];
  const serve = () => {
    for (let next = waiting[0]; next !== undefined && next.amount <= free; next = waiting[0]) {
      waiting.shift();
      free -= next.amount;
      next.begin();
    }
  };
  return async (asked) => {
    const amount = Math.min(asked, most);
    await new Promise<void>((begin) => {
      waiting.push({ amount, begin });
      serve();
    });
    return () => {
      free += amount;
      serve();
    };
  };
}

/** @param take gives the amount to each work, until that has ended */
export function withinBudget(take: Take): Within {
  return async (amount, work) => {
    const release = await take(amount);
    try {
      return await work();
    } finally {
      release();
    }
  };
}
