// Bounds how much of something is taken at a time, such as memory. No clock, no I/O.

/** Waits until there is so much, does the work, and returns what that returns. */
export type Within = <T>(amount: number, work: () => Promise<T>) => Promise<T>;

/**
 * Who asks first is served first, so a large amount is not overtaken for ever. An amount above `max` gets all.
 * @param max how much is there
 */
export function createBudget(max: number): Within {
  let free = max;
  const waiting: { readonly amount: number; readonly begin: () => void }[] = [];
  const serve = () => {
    for (let next = waiting[0]; next !== undefined && next.amount <= free; next = waiting[0]) {
      waiting.shift();
      free -= next.amount;
      next.begin();
    }
  };
  return async (demand, work) => {
    const amount = Math.min(demand, max);
    await new Promise<void>((begin) => {
      waiting.push({ amount, begin });
      serve();
    });
    try {
      return await work();
    } finally {
      free += amount;
      serve();
    }
  };
}
