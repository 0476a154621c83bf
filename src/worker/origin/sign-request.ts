// The headers that sign a request: made once for a URL and a period, and kept.

import { createBoundedCache } from "../base/bounded-cache.ts";
import type { Credentials } from "../config/slot.ts";
import { createSigner, type SignedHeaders } from "./sigv4.ts";

/**
 * How far back the date of a signature may lie: ms. For so long a signature is used again for the same
 * URL; S3 takes it for ten minutes more (A8).
 */
const PERIOD_MS = 300_000;

/** What opens objects: a slot, or a session of a role. */
export type Credential = { readonly credentials: Credentials };

/** What a credential signs with in one period, in one region. */
type Period = { readonly date: number; readonly sign: ReturnType<typeof createSigner> };

/** By the credential, and by the region: buckets of several regions may have the same role. */
const periods = new WeakMap<object, Map<string, Period>>();

/**
 * Signatures by URL: one cache for all credentials, whose size does not grow with their number. Each of its
 * two generations holds 4 MiB, about 6,000 signatures.
 */
const signatures = createBoundedCache<{ readonly period: Period; readonly headers: SignedHeaders }>(
  4_194_304,
);

/**
 * The headers that sign a request. Those from before are used again if the same credential signed the same
 * URL in this period.
 * @param now ms since 1970
 */
export function signWith(
  credential: Credential,
  url: string,
  region: string,
  now: number,
): SignedHeaders | Promise<SignedHeaders> {
  const date = now - (now % PERIOD_MS);
  const regions = periods.get(credential) ?? new Map<string, Period>();
  periods.set(credential, regions);
  const last = regions.get(region);
  const period = last?.date === date ? last : startPeriod(credential, url, region, date);
  regions.set(region, period);
  const known = signatures.get(url);
  if (known?.period === period) return known.headers;
  return period.sign(url).then((headers) => {
    signatures.set(url, { period, headers });
    return headers;
  });
}

function startPeriod(
  { credentials }: Credential,
  url: string,
  region: string,
  date: number,
): Period {
  return { date, sign: createSigner(new URL(url).origin, region, credentials, date) };
}
