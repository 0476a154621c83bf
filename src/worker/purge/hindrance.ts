// Why something could not be purged. It may be asked for again.

/** How long to wait, if nobody says so: s. */
const PATIENCE_S = { limited: 60, late: 10, failed: 30 } as const;

export type Hindrance = {
  /** A rate limit, no time left, or an error. */
  readonly cause: keyof typeof PATIENCE_S;
  readonly reason: string;
  /** After how long asking again may help: s. */
  readonly wait: number;
};

/** @param wait s */
export function hindrance(
  cause: Hindrance["cause"],
  reason: string,
  wait: number = PATIENCE_S[cause],
): Hindrance {
  return { cause, reason, wait };
}
