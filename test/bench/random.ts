// Random numbers from a seed: the same seed gives the same run on any machine.

/** Returns a number of at least 0 and below 1. */
export type Random = () => number;

/** Mulberry32. Its 32 bits of state are enough for a simulation. */
export function seeded(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Chooses one of several, in proportion to their weights.
 * @param weights at least one, each above 0, in any unit
 * @returns its index
 */
export function weighted(weights: readonly number[]): (random: Random) => number {
  let sum = 0;
  const until = weights.map((weight) => {
    sum += weight;
    return sum;
  });
  return (random) => {
    const sought = random() * sum;
    let low = 0;
    let high = until.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((until[middle] ?? sum) > sought) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/**
 * Zipf's law: the second is chosen 1/2^exponent times as often as the first, the third 1/3^exponent.
 * @param exponent 0: all are equal; requests for files on the web have 0.6 to 1
 */
export function zipf(count: number, exponent: number): (random: Random) => number {
  return weighted(Array.from({ length: count }, (_, at) => 1 / (at + 1) ** exponent));
}

/** Log-normal: most are near the median, and a few are many times larger. */
export function logNormal(random: Random, median: number, sigma: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(sigma * normal);
}
