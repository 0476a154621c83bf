// The quota of unique transformations (L2): each is billed once a calendar month.

export type Quota = {
  /** What is billed: the month, and the transformation. */
  readonly billed: ReadonlySet<string>;
  /** Returns whether a transformation is billed already, or may be. */
  allows(transformation: string): boolean;
  bill(transformation: string): void;
};

/**
 * Creates a quota of which nothing is used.
 * @param most how many transformations a month has at the moment
 */
export function createQuota(now: () => number, most: () => number): Quota {
  const billed = new Set<string>();
  const countByMonth = new Map<string, number>();
  const month = () => new Date(now()).toISOString().slice(0, 7);
  return {
    billed,
    allows: (one) => billed.has(`${month()} ${one}`) || (countByMonth.get(month()) ?? 0) < most(),
    bill(one) {
      if (billed.has(`${month()} ${one}`)) return;
      billed.add(`${month()} ${one}`);
      countByMonth.set(month(), (countByMonth.get(month()) ?? 0) + 1);
    },
  };
}
