// The headers that sign a request with a slot: made once for a URL and a period, and kept.

import { createBoundedCache } from "../base/bounded-cache.ts";
import { isSameKey, type Slot } from "../config/slot.ts";
import { type DerivedKey, type SignedHeaders, sign } from "./sigv4.ts";

/**
 * How far back the date of a signature may lie: ms. For so long a signature is used again for the same
 * URL; S3 takes it for ten minutes more (A8).
 */
const PERIOD_MS = 300_000;

type SigningSlot = Pick<Slot, "credentials">;

/** What a slot signs with in one period. */
type Period = {
  readonly by: SigningSlot;
  readonly region: string;
  readonly date: number;
  readonly derived: DerivedKey;
};

/**
 * Signatures by URL: one cache for all slots, whose size does not grow with their number. Each of its
 * two generations holds 4 Mi characters, about 7,000 signatures.
 */
const kept = createBoundedCache<{ readonly in: Period; readonly headers: SignedHeaders }>(
  4_194_304,
);

/** The periods of the slots that are in use now: at most MOST_PERIODS, the oldest is dropped first. */
const periods: Period[] = [];
const MOST_PERIODS = 16;

/**
 * The headers that sign a request. Those from before are used again if the same slot signed the same
 * URL in this period.
 * @param now ms since 1970
 */
export function signWith(
  slot: SigningSlot,
  url: string,
  region: string,
  now: number,
): SignedHeaders | Promise<SignedHeaders> {
  const period = periodOf(slot, region, now - (now % PERIOD_MS));
  const known = kept.get(url);
  if (known?.in === period) return known.headers;
  const { derived } = period;
  return sign(url, region, slot.credentials, period.date, { derived }).then((headers) => {
    kept.set(url, { in: period, headers });
    return headers;
  });
}

function periodOf(by: SigningSlot, region: string, date: number): Period {
  const known = periods.find(
    (one) => one.date === date && one.region === region && isSameKey(by, one.by),
  );
  if (known !== undefined) return known;
  const period = { by, region, date, derived: { cache: new Map<string, ArrayBuffer>() } };
  periods.push(period);
  if (periods.length > MOST_PERIODS) periods.shift();
  return period;
}
