// Parses the names of objects, for all commands: `key` if the configuration has one bucket, `BUCKET/key` if it has
// several. The key is the part after the bucket's prefix. An ambiguous name is refused, never guessed. No I/O.

import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { type CommandFault, isFault } from "../command.ts";

export type BucketKey = { readonly bucket: Bucket; readonly key: string };

/** Parses a name or a prefix of names. @returns a fault with a clear name for each meaning, if it has several */
export function parsePrefix(buckets: readonly Bucket[], name: string): BucketKey | CommandFault {
  const [onlyBucket, ...otherBuckets] = buckets;
  const namedBucket = buckets.find((bucket) => name.startsWith(`${bucket.name}/`));
  const key = namedBucket && name.slice(namedBucket.name.length + 1);
  const ambiguous = (...names: string[]) => {
    const choices = names.map((choice) => JSON.stringify(choice)).join(" or ");
    return { fault: `could mean several objects. Write ${choices}` };
  };
  if (onlyBucket !== undefined && otherBuckets.length === 0) {
    if (key === undefined) return { bucket: onlyBucket, key: name };
    // `media/media/fig.jpg` names the bucket twice: it can only be the key media/fig.jpg in the bucket media.
    const hasBucketTwice = key.startsWith(`${onlyBucket.name}/`);
    return hasBucketTwice
      ? { bucket: onlyBucket, key }
      : ambiguous(key, `${onlyBucket.name}/${name}`);
  }
  if (namedBucket !== undefined && key !== undefined) return { bucket: namedBucket, key };
  return ambiguous(...buckets.map((bucket) => `${bucket.name}/${name}`));
}

/** Returns the name that means this object. It is the inverse of `parsePrefix`. */
export function objectNameOf(buckets: readonly Bucket[], { bucket, key }: BucketKey): string {
  const isClear = buckets.length === 1 && !key.startsWith(`${bucket.name}/`);
  return isClear ? key : `${bucket.name}/${key}`;
}

/** Parses the name of an object. @returns a fault if it is ambiguous, or no key of an object */
export function parseObjectName(
  buckets: readonly Bucket[],
  name: string,
): BucketKey | CommandFault {
  const problem = name === "" ? "empty" : keyFault(name);
  if (problem !== undefined) return { fault: problem };
  const object = parsePrefix(buckets, name);
  if (isFault(object)) return object;
  const { bucket, key } = object;
  const fault = keyFault(bucket.prefix + key);
  if (fault !== undefined) return { fault };
  const belowPrefix = key.startsWith(bucket.prefix) ? key.slice(bucket.prefix.length) : "";
  if (bucket.prefix === "" || belowPrefix === "") return object;
  // The bucket's prefix is put before each name: this whole key would name an object below the prefix twice.
  const advice = `write ${JSON.stringify(objectNameOf(buckets, { bucket, key: belowPrefix }))}. If its key has that prefix twice, name its public URL`;
  return { fault: `begins with the bucket's prefix, which is no part of a name: ${advice}` };
}
