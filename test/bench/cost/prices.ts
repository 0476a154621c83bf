// What a month costs, by what was counted in it: at Vitrine, and at others. In US dollars, without taxes and without the
// storage of originals. Prices as the named pages had them when they were read, in November and December 2026. A gigabyte
// is 10^9 bytes.

import { FREE, PRICE } from "../../../src/cli/config/transformations.ts";
import type { Counts } from "./simulate.ts";

const GB = 1e9;
const MILLION = 1e6;

/** What is free in a month, and what each more costs. */
type Price = { readonly free: number; readonly each: number };

/** https://developers.cloudflare.com/workers/platform/pricing/ (W12, L3) */
const WORKERS = {
  plan: 5,
  requests: { free: 10 * MILLION, each: 0.3 / MILLION },
  cpuMs: { free: 30 * MILLION, each: 0.02 / MILLION },
  freePlanRequests: 100_000 * 30,
};

/** https://developers.cloudflare.com/images/pricing/ (L2) */
const TRANSFORMATIONS: Price = { free: FREE, each: PRICE };

/** https://developers.cloudflare.com/r2/pricing/ (T5) */
const R2 = {
  reads: { free: 10 * MILLION, each: 0.36 / MILLION },
  writes: { free: MILLION, each: 4.5 / MILLION },
  bytes: { free: 10 * GB, each: 0.015 / GB },
};

/** https://developers.cloudflare.com/queues/platform/pricing/ : a write, a read or a delete of up to 64 KB. */
const QUEUE_OPERATIONS: Price = { free: MILLION, each: 0.4 / MILLION };

/** https://aws.amazon.com/s3/pricing/ : S3 Standard in eu-west-1, up to 10 TB. */
const S3 = {
  gets: { free: 0, each: 0.4 / MILLION },
  bytes: { free: 100 * GB, each: 0.09 / GB },
};

/** CPU time of a run of the gateway or of Renditions, in ms. docs/performance.md measures less. */
const CPU_MS = 2;

/** Where the originals are. */
export type Origin = "s3" | "r2";

/** A month's bill, or the sum of several. */
export type Bill = {
  readonly workers: number;
  readonly transformations: number;
  readonly gets: number;
  readonly traffic: number;
  readonly store: number;
  readonly queue: number;
};

export function billOf(counts: Counts, origin: Origin): Bill {
  const store =
    charge(counts.storeWrites + counts.storeLists, R2.writes) +
    charge(counts.storedBytes, R2.bytes) +
    charge(counts.storeReads, R2.reads);

  // GETs of originals in R2 share the free reads of the store.
  const reads = counts.storeReads + counts.gets;
  const r2Gets = charge(reads, R2.reads) - charge(counts.storeReads, R2.reads);
  return {
    workers: chargeWorkers(counts),
    transformations: charge(counts.transformations, TRANSFORMATIONS),
    gets: origin === "s3" ? charge(counts.gets, S3.gets) : r2Gets,
    traffic: origin === "s3" ? charge(counts.s3Bytes, S3.bytes) : 0,
    store,
    queue: charge(counts.queueOperations, QUEUE_OPERATIONS),
  };
}

/** The free plan is enough for few requests, as long as the free transformations are. */
function chargeWorkers({ workerRequests, views, runs, transformations }: Counts): number {
  const isFree = workerRequests <= WORKERS.freePlanRequests && transformations <= FREE;
  if (isFree) return 0;

  const cpuMs = CPU_MS * (views + runs);
  return WORKERS.plan + charge(workerRequests, WORKERS.requests) + charge(cpuMs, WORKERS.cpuMs);
}

export function addBills(bills: readonly Bill[]): Bill {
  const sum = (position: keyof Bill) => bills.reduce((total, bill) => total + bill[position], 0);
  return {
    workers: sum("workers"),
    transformations: sum("transformations"),
    gets: sum("gets"),
    traffic: sum("traffic"),
    store: sum("store"),
    queue: sum("queue"),
  };
}

export function totalOf({ workers, transformations, gets, traffic, store, queue }: Bill): number {
  return workers + transformations + gets + traffic + store + queue;
}

function charge(count: number, { free, each }: Price): number {
  return Math.max(0, count - free) * each;
}

/**
 * Of an event of a replaced object: its message is written, read twice and deleted, and the store is listed before and
 * after, once for names of version 0.2, and twice at the second time. A new object has a list less.
 */
const EVENT = { operations: 4, lists: 5 };

/** What events cost in a month, if nothing else of the store is billed. */
export function eventBillOf(events: number) {
  const operations = events * EVENT.operations;
  const lists = events * EVENT.lists;
  return {
    operations,
    lists,
    queue: charge(operations, QUEUE_OPERATIONS),
    store: charge(lists, R2.writes),
  };
}

/** What a month of a site is for another service. */
export type PeerUsage = {
  readonly views: number;
  readonly deliveredBytes: number;
  /** Different renditions that are asked for in a month. */
  readonly renditions: number;
  /** The bytes of all renditions. */
  readonly storedBytes: number;
  readonly objects: number;
  /** The bytes of an original, on average. */
  readonly originalBytes: number;
};

export type Peer = {
  readonly name: string;
  readonly note: string;
  charge(usage: PeerUsage): number;
};

/**
 * Views that a CDN without a store of renditions does not have. AWS assumes them for its solution:
 * https://docs.aws.amazon.com/solutions/latest/dynamic-image-transformation-for-amazon-cloudfront/lambda-architecture-costs.html
 */
const MISSES = 0.1;

/**
 * https://aws.amazon.com/cloudfront/pricing/ (always free: 1 TB, 10 million requests), https://aws.amazon.com/lambda/pricing/
 * (x86, 1 GB), https://aws.amazon.com/api-gateway/pricing/ (REST). The page of MISSES has 350 ms for a rendition.
 */
const AWS = {
  traffic: { free: 1_000 * GB, each: 0.085 / GB },
  requests: { free: 10 * MILLION, each: 1 / MILLION },
  invocations: { free: MILLION, each: 0.2 / MILLION },
  gbSeconds: { free: 400_000, each: 0.0000166667 },
  gateway: { free: 0, each: 3.5 / MILLION },
};
const AWS_SECONDS = 0.35;

/** A plan, with the price of each unit above what it includes; without one, it ends there. */
type Plan = { readonly price: number; readonly includes: number; readonly more?: number };

/** https://imgix.com/pricing (May 2026) */
const IMGIX_PLANS: readonly Plan[] = [
  { price: 25, includes: 100, more: 0.25 },
  { price: 75, includes: 375, more: 0.2 },
  { price: 150, includes: 830, more: 0.18 },
  { price: 300, includes: 1_875, more: 0.16 },
  { price: 500, includes: 3_570, more: 0.12 },
];

/** https://cloudinary.com/pricing (May 2026). Above the last one, the price is not public. */
const CLOUDINARY_PLANS: readonly Plan[] = [
  { price: 0, includes: 25 },
  { price: 99, includes: 225 },
  { price: 249, includes: 600 },
];

/** https://imagekit.io/plans/ (2026), in GB. */
const IMAGEKIT_PLANS: readonly Plan[] = [
  { price: 0, includes: 20 },
  { price: 9, includes: 40, more: 0.5 },
  { price: 89, includes: 225, more: 0.45 },
];

export const PEERS: readonly Peer[] = [
  {
    name: "AWS's solution on Lambda",
    note: "CloudFront, API Gateway, Lambda",
    charge({ views, deliveredBytes }) {
      const misses = views * MISSES;
      return (
        charge(deliveredBytes, AWS.traffic) +
        charge(views, AWS.requests) +
        charge(misses, AWS.gateway) +
        charge(misses, AWS.invocations) +
        charge(misses * AWS_SECONDS, AWS.gbSeconds) +
        charge(misses, S3.gets)
      );
    },
  },
  {
    // https://developers.cloudflare.com/images/pricing/
    name: "Cloudflare Images with uploads",
    note: "it stores the originals",
    charge({ views, objects }) {
      return Math.ceil(objects / 100_000) * 5 + views / 100_000;
    },
  },
  {
    // https://imgproxy.net, on https://fly.io/docs/about/pricing/ : shared-1x with 1 GB (October 2025), $0.02 a GB.
    name: "imgproxy on one small machine",
    note: "Fly, behind a free CDN, with the traffic of S3",
    charge({ views, deliveredBytes, originalBytes }) {
      const misses = views * MISSES;
      const machine = 6.79;
      const traffic = ((deliveredBytes * MISSES) / GB) * 0.02;
      return machine + traffic + charge(misses * originalBytes, S3.bytes) + charge(misses, S3.gets);
    },
  },
  {
    name: "ImageKit",
    note: "by traffic",
    charge({ deliveredBytes }) {
      return cheapest(IMAGEKIT_PLANS, deliveredBytes / GB);
    },
  },
  {
    // https://vercel.com/docs/image-optimization/limits-and-pricing (February 2026): reads and writes are of 8 KB.
    name: "Vercel Image Optimization",
    note: "with the Pro plan",
    charge({ views, deliveredBytes, renditions, storedBytes }) {
      const plan = 20;
      const writes = Math.ceil(storedBytes / 8_000);
      const reads = ((deliveredBytes / 8_000) * (views * MISSES)) / views;
      return plan + renditions * 0.00005 + writes * (4 / MILLION) + reads * (0.4 / MILLION);
    },
  },
  {
    // https://docs.imgix.com/getting-started/best-practices/optimizing-credit-usage
    name: "imgix",
    note: "2 credits a GB cached, 1 a GB sent, 1 for 500 renditions",
    charge({ deliveredBytes, renditions, storedBytes }) {
      const credits = (2 * storedBytes) / GB + deliveredBytes / GB + renditions / 500;
      return cheapest(IMGIX_PLANS, credits);
    },
  },
  {
    // https://cloudinary.com/documentation/developer_onboarding_faq
    name: "Cloudinary",
    note: "1 credit a GB stored, a GB sent, or 1,000 renditions",
    charge({ deliveredBytes, renditions, storedBytes, objects, originalBytes }) {
      const originals = objects * originalBytes;
      const credits = (storedBytes + originals + deliveredBytes) / GB + renditions / 1_000;
      return cheapest(CLOUDINARY_PLANS, credits);
    },
  },
];

/** Returns the price of the cheapest plan; infinite if the price is not public. */
function cheapest(plans: readonly Plan[], units: number): number {
  const prices = plans.map(({ price, includes, more = Number.POSITIVE_INFINITY }) => {
    const unitsAbove = Math.max(0, units - includes);
    return unitsAbove === 0 ? price : price + unitsAbove * more;
  });
  return Math.min(...prices);
}
