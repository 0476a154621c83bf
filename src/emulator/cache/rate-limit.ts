// The rate limit of purges (W10): a bucket of tokens. Pure: `now` is passed in.

const BURST = 25;
const PER_MS = 5 / 60_000;

type Tokens = {
  readonly left: number;
  /** ms since 1970. */
  readonly at: number;
};

export function fullTokens(now: number): Tokens {
  return { left: BURST, at: now };
}

/** Takes a token, or tells that none is left. A clock that was set back adds none. */
export function takeToken({ left, at }: Tokens, now: number): { tokens: Tokens; taken: boolean } {
  const there = Math.min(BURST, left + Math.max(0, now - at) * PER_MS);
  const taken = there >= 1;
  return { tokens: { left: taken ? there - 1 : there, at: now }, taken };
}
