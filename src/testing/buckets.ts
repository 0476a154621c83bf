// The buckets of a Vitrine under test: an S3 for each bucket with keys, an R2 for each binding.

import { createR2, type R2 } from "../emulator/r2/r2.ts";
import { createS3, type S3 } from "../emulator/s3/s3.ts";
import type { Bucket } from "../worker/config/bucket.ts";
import type { Config } from "../worker/config/config.ts";
import { tableOf } from "../worker/util/json.ts";
import type { VirtualClock } from "./clock.ts";
import type { Original } from "./objects.ts";
import type { Setup } from "./setup.ts";

/** A bucket of the configuration, and what plays it. */
export type PlayedBucket = {
  readonly bucket: Bucket;
  /** Its name at the provider, as events say it. */
  readonly providerName: string;
  readonly s3: S3 | undefined;
  readonly r2: R2 | undefined;
};

/** Creates an R2 bucket for each binding. */
export function createR2Buckets(setup: Setup, clock: VirtualClock): ReadonlyMap<string, R2> {
  const entries = setup.r2Buckets.map(({ binding }) => {
    return [binding, createR2({}, { now: clock.now })] as const;
  });
  return new Map(entries);
}

/** The host of R2's API for S3, which signs a path as it is spelt. */
const R2_HOST = /\.r2\.cloudflarestorage\.com$/;

/** Creates what plays the buckets. Two of them may be one bucket at the provider: then they have one S3. */
export function playBuckets(
  { buckets }: Config,
  setup: Setup,
  r2Buckets: ReadonlyMap<string, R2>,
  clock: VirtualClock,
): readonly PlayedBucket[] {
  const played: PlayedBucket[] = [];
  for (const bucket of buckets) {
    const settings = tableOf(tableOf(setup.vars["BUCKETS"])[bucket.name]);
    if (bucket.r2 !== undefined) {
      const binding = String(settings["binding"]);
      const bound = setup.r2Buckets.find((r2Bucket) => r2Bucket.binding === binding);
      const providerName = bound?.name ?? bucket.bucket;
      played.push({ bucket, providerName, s3: undefined, r2: r2Buckets.get(binding) });
      continue;
    }

    const same = played.find((other) => other.bucket.baseUrl === bucket.baseUrl);
    const s3 = same?.s3 ?? createBucketS3(bucket, String(settings["endpoint"]), clock);
    for (const { credentials } of bucket.usable) {
      s3?.keys.set(credentials.accessKeyId, credentials.secretAccessKey);
    }
    played.push({ bucket, providerName: bucket.bucket, s3, r2: undefined });
  }
  return played;
}

function createBucketS3(bucket: Bucket, endpoint: string, clock: VirtualClock): S3 | undefined {
  const [slot] = bucket.usable;
  if (slot === undefined) return undefined;

  const { accessKeyId, secretAccessKey } = slot.credentials;
  const isR2 = R2_HOST.test(new URL(endpoint).hostname);
  return createS3({
    endpoint,
    bucket: bucket.bucket,
    region: bucket.region,
    credentials: { accessKeyId, secretAccessKey },
    now: clock.now,
    ...(isR2 && { dialect: "r2" }),
  });
}

/** @param key below the bucket's prefix */
export function putOriginal(
  { bucket, s3, r2 }: PlayedBucket,
  key: string,
  { body, type, metadata }: Original,
  now: number,
): void {
  const wholeKey = bucket.prefix + key;
  const date = new Date(now);
  s3?.objects.set(wholeKey, { body, type, metadata, lastModified: date });
  r2?.objects.set(wholeKey, { body, type, customMetadata: { ...metadata }, uploaded: date });
}

/** Deletes an object. @returns whether it was there */
export function deleteOriginal({ bucket, s3, r2 }: PlayedBucket, key: string): boolean {
  const objects = s3?.objects ?? r2?.objects;
  return objects?.delete(bucket.prefix + key) ?? false;
}

/** The S3 that a URL leads to: that of its bucket, or one that has no such bucket. */
export function s3At(played: readonly PlayedBucket[], url: string): S3 | undefined {
  const exact = played.find(({ bucket, s3 }) => s3 && url.startsWith(bucket.baseUrl));
  return exact?.s3 ?? played.find(({ s3 }) => s3?.matches(url))?.s3;
}
