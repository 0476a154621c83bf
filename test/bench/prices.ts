// What Cloudflare and AWS charge, and what a month comes to. US dollars, without taxes.

import { FREE, PRICE } from "../../src/cli/project/costs.ts";

/** A price for each up to a number of them in a month; the steps follow each other. */
type Step = { readonly upTo: number; readonly each: number };

const ON = Number.POSITIVE_INFINITY;
const GB = 1e9;
const TB = 1e12;

/**
 * Public prices as they were known in November 2026, of which S3's for GETs and gigabytes are from memory:
 * the pages say what holds today.
 * Workers Paid: https://developers.cloudflare.com/workers/platform/pricing/
 * Transformations: https://developers.cloudflare.com/images/pricing/
 * S3 Standard in eu-west-1, us-east-1 and others: https://aws.amazon.com/s3/pricing/ ; the first 100 GB out
 * of AWS are free for all services of an account together. Gigabytes are 10^9 bytes here.
 */
export const PRICES = {
  /** Workers Paid, a month. */
  plan: 5,
  requests: [
    { upTo: 10e6, each: 0 },
    { upTo: ON, each: 0.3 / 1e6 },
  ],
  cpuMs: [
    { upTo: 30e6, each: 0 },
    { upTo: ON, each: 0.02 / 1e6 },
  ],
  transformations: [
    { upTo: FREE, each: 0 },
    { upTo: ON, each: PRICE },
  ],
  gets: [{ upTo: ON, each: 0.0004 / 1000 }],
  bytes: [
    { upTo: 100 * GB, each: 0 },
    { upTo: 10 * TB, each: 0.09 / GB },
    { upTo: 50 * TB, each: 0.085 / GB },
    { upTo: 150 * TB, each: 0.07 / GB },
    { upTo: ON, each: 0.05 / GB },
  ],
} as const satisfies Record<string, number | readonly Step[]>;

/** What a month took. */
export type Usage = {
  readonly requests: number;
  /** Milliseconds of the Worker's CPU time. */
  readonly cpuMs: number;
  readonly transformations: number;
  /** From S3. */
  readonly originFetches: number;
  readonly bytes: number;
};

/** A month's bill, in US dollars. */
export type Bill = {
  readonly workers: number;
  readonly transformations: number;
  readonly s3Requests: number;
  readonly s3Traffic: number;
  readonly total: number;
};

export function billOf(usage: Usage): Bill {
  const workers =
    PRICES.plan + charge(usage.requests, PRICES.requests) + charge(usage.cpuMs, PRICES.cpuMs);
  const transformations = charge(usage.transformations, PRICES.transformations);
  const s3Requests = charge(usage.originFetches, PRICES.gets);
  const s3Traffic = charge(usage.bytes, PRICES.bytes);
  const total = workers + transformations + s3Requests + s3Traffic;
  return { workers, transformations, s3Requests, s3Traffic, total };
}

/** @param steps the last one without end */
export function charge(count: number, steps: readonly Step[]): number {
  let from = 0;
  let sum = 0;
  for (const { upTo, each } of steps) {
    sum += Math.max(0, Math.min(count, upTo) - from) * each;
    from = upTo;
  }
  return sum;
}
