// Lets only so much work run at once, because pictures take memory. No clock, no I/O.

/** Runs work when it is its turn. Undefined: too much waits already, and it did not run. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T | undefined>;

/**
 * @param atOnce how much runs at once
 * @param waiting how much waits at most
 */
export function createTurns(atOnce: number, waiting: number): Turns {
  let running = 0;
  const queue: (() => void)[] = [];
  return async (work) => {
    if (running < atOnce) running += 1;
    else if (queue.length === waiting) return undefined;
    else await new Promise<void>((begin) => queue.push(begin));
    try {
      return await work();
    } finally {
      const begin = queue.shift();
      if (begin) begin();
      else running -= 1;
    }
  };
}
