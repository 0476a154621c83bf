// Finds the environment whose bucket a key opens, where the key is at hand and does not open the bucket that it is for.
// Then it is most likely the key of that environment. It sends one GET to each bucket, and two to one that the key opens.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { isRefusal } from "../../worker/http/refusal.ts";
import { hasSecrets } from "../config/buckets.ts";
import { type EnvironmentConfig, readOthers } from "../config/environment-config.ts";
import { readDeployed } from "../config/project.ts";
import { askWithKey } from "./ask-with-key.ts";

export type KeyOwner = {
  /** Undefined: the top level. */
  readonly environment: string | undefined;
  readonly bucket: Bucket;
};

/** How many buckets of other environments are asked at most. */
const MAX_BUCKETS = 8;

/**
 * Asks the buckets of all other environments at once. It never throws.
 * @param now milliseconds since 1970
 * @returns the first environment of the file whose bucket the key certainly opens; undefined: there is none, or it is
 *   not known
 */
export async function findKeyOwner(
  { folder, envConfig }: { readonly folder: string; readonly envConfig: EnvironmentConfig },
  credentials: Credentials,
  now: number,
): Promise<KeyOwner | undefined> {
  const ownBuckets = keyedBucketsOf(envConfig);
  const ownProviders = ownBuckets.map(providerOf);

  const candidates: KeyOwner[] = [];
  for (const { environment, bucket } of otherBucketsOf(folder, envConfig)) {
    const isShared = ownBuckets.some((ownBucket) => haveSameObjects(ownBucket, bucket));
    if (isShared) continue;

    // The token of a session is sent as it is: it must not get to another provider.
    const isOfOwnProvider = ownProviders.includes(providerOf(bucket));
    if (credentials.sessionToken !== undefined && !isOfOwnProvider) continue;

    candidates.push({ environment, bucket });
  }

  const results = candidates.slice(0, MAX_BUCKETS).map(async (candidate) => {
    const isOpened = await isOpenedByKey(candidate.bucket, credentials, now);
    return isOpened ? candidate : undefined;
  });
  const owners = await Promise.all(results);
  return owners.find((owner) => owner !== undefined);
}

function otherBucketsOf(folder: string, envConfig: EnvironmentConfig): readonly KeyOwner[] {
  return readOthers(folder, envConfig).flatMap((other) => {
    const { environment } = other;
    return keyedBucketsOf(other).map((bucket) => ({ environment, bucket }));
  });
}

/** Returns whether the key certainly opens the bucket, which not everybody may read. */
async function isOpenedByKey(
  bucket: Bucket,
  credentials: Credentials,
  now: number,
): Promise<boolean> {
  const answer = await askWithKey(bucket, credentials, now);
  if (answer.kind !== "opens") return false;

  // A public bucket is open to each key that S3 knows. So is a website, which does not look at keys.
  const anonymous = await askWithKey(bucket, undefined, now);
  return anonymous.kind !== "opens";
}

/** The buckets of an environment that keys open. None, if its configuration is wrong. */
function keyedBucketsOf(envConfig: EnvironmentConfig): readonly Bucket[] {
  const config = readDeployed(envConfig);
  if (isRefusal(config)) return [];
  return config.buckets.filter(hasSecrets);
}

/** Returns whether two buckets are one at the provider, and one of their prefixes lies inside the other. */
function haveSameObjects(a: Bucket, b: Bucket): boolean {
  if (a.bucket !== b.bucket || providerOf(a) !== providerOf(b)) return false;
  return a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix);
}

/** The host without the bucket. All hosts of AWS are one: a bucket's name is there once in the world (A4). */
function providerOf({ baseUrl, bucket }: Bucket): string {
  const { host } = new URL(baseUrl);
  if (host.endsWith(".amazonaws.com")) return "amazonaws.com";
  return host.startsWith(`${bucket}.`) ? host.slice(bucket.length + 1) : host;
}
