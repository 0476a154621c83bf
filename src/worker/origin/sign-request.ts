// The headers that sign a request with a slot: made once for a URL and a period, and kept.

import { createBoundedCache } from "../base/bounded-cache.ts";
import type { Slot } from "../config/slot.ts";
import { createSigner, type SignedHeaders } from "./sigv4.ts";

/**
 * How far back the date of a signature may lie: ms. For so long a signature is used again for the same
 * URL; S3 takes it for ten minutes more (A8).
 */
const PERIOD_MS = 300_000;

/** What a slot signs with in one period, in one region. */
type Period = { readonly date: number; readonly sign: ReturnType<typeof createSigner> };

/** By the slot, and by the region: buckets of several regions may have the same role. */
const periods = new WeakMap<object, Map<string, Period>>();

/**
 * Signatures by URL: one cache for all slots, whose size does not grow with their number. Each of its
 * two generations holds 4 MiB, about 6,000 signatures.
 */
const kept = createBoundedCache<{ readonly in: Period; readonly headers: SignedHeaders }>(
  4_194_304,
);

/**
 * The headers that sign a request. Those from before are used again if the same slot signed the same
 * URL in this period.
 * @param slot a slot, or a session of a role
 * @param now ms since 1970
 */
export function signWith(
  slot: Pick<Slot, "credentials">,
  url: string,
  region: string,
  now: number,
): SignedHeaders | Promise<SignedHeaders> {
  const date = now - (now % PERIOD_MS);
  const regions = periods.get(slot) ?? new Map<string, Period>();
  periods.set(slot, regions);
  let period = regions.get(region);
  if (period?.date !== date) {
    period = { date, sign: createSigner(new URL(url).origin, region, slot.credentials, date) };
    regions.set(region, period);
  }
  const used = period;
  const known = kept.get(url);
  if (known?.in === used) return known.headers;
  return used.sign(url).then((headers) => {
    kept.set(url, { in: used, headers });
    return headers;
  });
}
