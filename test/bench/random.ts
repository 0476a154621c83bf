// Random numbers from a seed: the same seed gives the same run on any machine.

/** Returns a number of at least 0 and below 1. */
export type Random = () => number;

/** Mulberry32. */
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
 * @returns a function that returns the index of the chosen one, from 0
 */
export function weighted(weights: readonly number[]): (random: Random) => number {
  let sum = 0;
  const until = Float64Array.from(weights, (weight) => {
    sum += weight;
    return sum;
  });
  return (random) => {
    const drawn = random() * sum;
    let [low, high] = [0, until.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((until[middle] ?? sum) > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** Zipf's law: the second is chosen 1/2^exponent times as often as the first, the third 1/3^exponent. */
export function zipf(count: number, exponent: number): (random: Random) => number {
  return weighted(Array.from({ length: count }, (_, index) => 1 / (index + 1) ** exponent));
}
