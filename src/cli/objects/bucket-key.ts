// Parses the names of objects, for all commands: `key` if the configuration has one bucket, `BUCKET/key` if it has
// several. The key is the part after the bucket's prefix. An ambiguous name is refused, never guessed. No I/O.

import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { type CommandFault, isFault } from "../command.ts";

export type BucketKey = { readonly bucket: Bucket; readonly key: string };

/** Parses a name or a prefix of names. @returns a fault with a clear name for each meaning, if it has several */
export function parsePrefix(buckets: readonly Bucket[], name: string): BucketKey | CommandFault {
  const namedBucket = buckets.find((bucket) => name.startsWith(`${bucket.name}/`));
  const [onlyBucket, ...otherBuckets] = buckets;

  if (onlyBucket === undefined || otherBuckets.length > 0) {
    if (namedBucket === undefined) {
      return ambiguousFault(buckets.map((bucket) => `${bucket.name}/${name}`));
    }
    return { bucket: namedBucket, key: name.slice(namedBucket.name.length + 1) };
  }

  if (namedBucket === undefined) return { bucket: onlyBucket, key: name };

  // `media/media/fig.jpg` names the bucket twice: it can only be the key media/fig.jpg in the bucket media.
  const key = name.slice(onlyBucket.name.length + 1);
  if (key.startsWith(`${onlyBucket.name}/`)) return { bucket: onlyBucket, key };
  return ambiguousFault([key, `${onlyBucket.name}/${name}`]);
}

/** @param names one for each meaning */
function ambiguousFault(names: readonly string[]): CommandFault {
  const choices = names.map((name) => JSON.stringify(name)).join(" or ");
  return { fault: `could mean several objects. Write ${choices}` };
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
  if (name === "") return { fault: "empty" };
  const nameFault = keyFault(name);
  if (nameFault !== undefined) return { fault: nameFault };

  const object = parsePrefix(buckets, name);
  if (isFault(object)) return object;

  const { bucket, key } = object;
  const wholeKeyFault = keyFault(bucket.prefix + key);
  if (wholeKeyFault !== undefined) return { fault: wholeKeyFault };

  const hasPrefix = bucket.prefix !== "" && key.startsWith(bucket.prefix);
  if (!hasPrefix || key === bucket.prefix) return object;

  // The bucket's prefix is put before each name: this whole key would name an object below the prefix twice.
  const rightName = objectNameOf(buckets, { bucket, key: key.slice(bucket.prefix.length) });
  return {
    fault: `begins with the bucket's prefix, which is no part of a name: write ${JSON.stringify(rightName)}. If its key has that prefix twice, name its public URL`,
  };
}
