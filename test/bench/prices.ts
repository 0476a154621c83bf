// The prices of Cloudflare and AWS, and the bill of a month. In US dollars, without taxes.

import { FREE, PRICE } from "../../src/cli/config/transformations.ts";

/** Requests to the Worker a month that Workers Paid includes, and the US dollars for each more (W12). */
const FREE_REQUESTS = 10_000_000;
export const REQUEST_PRICE = 0.3 / 1_000_000;

/** A price for each unit, up to a number of units in a month. Steps follow each other. */
type Step = { readonly upTo: number; readonly each: number };

const ON = Number.POSITIVE_INFINITY;
const GB = 1e9;
const TB = 1e12;

/**
 * Public prices as known in November 2026. Those of S3 for GETs and gigabytes are from memory. The pages
 * have the current prices.
 * Workers Paid: https://developers.cloudflare.com/workers/platform/pricing/
 * Transformations: https://developers.cloudflare.com/images/pricing/
 * S3 Standard in eu-west-1, us-east-1 and others: https://aws.amazon.com/s3/pricing/ ; an account gets the
 * first 100 GB out of AWS free, for all services together. A gigabyte is 10^9 bytes here.
 * R2 (T5): https://developers.cloudflare.com/r2/pricing/ ; it has no traffic to pay.
 */
export const PRICES = {
  /** Workers Paid, per month. */
  plan: 5,
  requests: [
    { upTo: FREE_REQUESTS, each: 0 },
    { upTo: ON, each: REQUEST_PRICE },
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
  storeReads: [
    { upTo: 10e6, each: 0 },
    { upTo: ON, each: 0.36 / 1e6 },
  ],
  storeWrites: [
    { upTo: 1e6, each: 0 },
    { upTo: ON, each: 4.5 / 1e6 },
  ],
  /** A month. */
  storeBytes: [
    { upTo: 10 * GB, each: 0 },
    { upTo: ON, each: 0.015 / GB },
  ],
  bytes: [
    { upTo: 100 * GB, each: 0 },
    { upTo: 10 * TB, each: 0.09 / GB },
    { upTo: 50 * TB, each: 0.085 / GB },
    { upTo: 150 * TB, each: 0.07 / GB },
    { upTo: ON, each: 0.05 / GB },
  ],
} as const satisfies Record<string, number | readonly Step[]>;

/** The usage of a month. */
export type Usage = {
  readonly requests: number;
  /** CPU time of the Worker, in ms. */
  readonly cpuMs: number;
  readonly transformations: number;
  /** GETs, by the Worker and by the edge. */
  readonly s3Requests: number;
  /** From S3. */
  readonly bytes: number;
  /** Of R2, as the store. */
  readonly storeReads: number;
  readonly storeWrites: number;
  readonly storeBytes: number;
};

/** A month's bill, in US dollars. */
export type Bill = {
  readonly workers: number;
  readonly transformations: number;
  readonly s3Requests: number;
  readonly s3Traffic: number;
  readonly store: number;
  readonly total: number;
};

export function billOf(usage: Usage): Bill {
  const workers =
    PRICES.plan + charge(usage.requests, PRICES.requests) + charge(usage.cpuMs, PRICES.cpuMs);
  const transformations = charge(usage.transformations, PRICES.transformations);
  const s3Requests = charge(usage.s3Requests, PRICES.gets);
  const s3Traffic = charge(usage.bytes, PRICES.bytes);
  const store =
    charge(usage.storeReads, PRICES.storeReads) +
    charge(usage.storeWrites, PRICES.storeWrites) +
    charge(usage.storeBytes, PRICES.storeBytes);
  const total = workers + transformations + s3Requests + s3Traffic + store;
  return { workers, transformations, s3Requests, s3Traffic, store, total };
}

/** @param steps the last one has no upper bound */
export function charge(count: number, steps: readonly Step[]): number {
  let from = 0;
  let sum = 0;
  for (const { upTo, each } of steps) {
    sum += Math.max(0, Math.min(count, upTo) - from) * each;
    from = upTo;
  }
  return sum;
}
