// Lets only so much work run at once, because pictures take memory. No clock, no I/O.

import { createBudget } from "../../../cli/picture/budget.ts";

/** Runs work when it is its turn. Undefined: too much waits already, and it did not run. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T | undefined>;

/**
 * @param atOnce how much runs at once
 * @param waiting how much waits at most
 */
export function createTurns(atOnce: number, waiting: number): Turns {
  const withPlace = createBudget(atOnce);
  let open = 0;
  return async (work) => {
    if (open === atOnce + waiting) return undefined;
    open += 1;
    try {
      return await withPlace(1, work);
    } finally {
      open -= 1;
    }
  };
}
