// Which objects of the configured buckets are to be purged. Pure.

import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../config/bucket.ts";
import { originUrl } from "../origin/object-url.ts";
import type { EventObject } from "./read-purge.ts";

/** An object to purge. */
export type ObjectToPurge = {
  /** BUCKET/key: the bucket of wrangler.toml, and the key below its prefix. */
  readonly name: string;
  readonly bucket: Bucket;
  /** All named buckets with this URL: one bucket of S3, which each of them opens in its own way. */
  readonly aliases: readonly Bucket[];
  /** The whole key. */
  readonly key: string;
  /** Its URL at the origin, which tells objects apart. */
  readonly url: string;
  /** Whether an event calls it removed; undefined: no event names it. */
  readonly isRemoved?: boolean | undefined;
};

/** What is not purged, and why. */
export type NotPurged = { readonly object: string; readonly reason: string };

export type ObjectSelection = {
  /** Each object once. */
  readonly objects: readonly ObjectToPurge[];
  /** The names that mean no object, or the objects of an event that no route can show. */
  readonly skipped: readonly NotPurged[];
};

/** Finds objects by their names. A wrong name is a fault of the caller. */
export function selectByName(
  buckets: readonly Bucket[],
  names: readonly string[],
): ObjectSelection {
  const bucketsByName = new Map(buckets.map((bucket) => [bucket.name, bucket]));
  const entries = names.map((name) => {
    const slash = name.indexOf("/");
    const bucket = bucketsByName.get(name.slice(0, Math.max(0, slash)));
    if (!bucket) return { object: name, reason: "begins with no bucket: write BUCKET/key" };
    const key = bucket.prefix + name.slice(slash + 1);
    const fault = keyFault(key);
    if (fault) return { object: name, reason: `no object has this key: ${fault}` };
    return createObject(bucket, { key });
  });
  return removeDuplicates(entries);
}

/**
 * Finds the objects of an event in every configured bucket that shows them. An object that no bucket shows is no fault:
 * an S3 bucket has more than what Vitrine shows. It is reported by its key alone.
 */
export function selectByEvent(
  buckets: readonly Bucket[],
  objects: readonly EventObject[],
): ObjectSelection {
  const entries = objects.flatMap((object): (ObjectToPurge | NotPurged)[] => {
    const { bucket: name, ...event } = object;
    const { key } = event;
    const aliases = buckets.filter(({ bucket }) => bucket === name);
    if (aliases.length === 0)
      return [{ object: key, reason: "not shown: it is in another bucket" }];
    if (keyFault(key)) return [{ object: key, reason: "not shown: no URL can name this key" }];
    const showing = aliases.filter(({ prefix }) => key.startsWith(prefix));
    if (showing.length === 0) return [{ object: key, reason: "not shown: outside of the prefix" }];
    return showing.map((bucket) => createObject(bucket, event));
  });
  return removeDuplicates(entries);
}

function createObject(
  bucket: Bucket,
  { key, ...event }: Pick<ObjectToPurge, "key" | "isRemoved">,
): ObjectToPurge {
  const name = `${bucket.name}/${key.slice(bucket.prefix.length)}`;
  const url = originUrl(bucket.baseUrl, key);
  return { ...event, name, bucket, aliases: [bucket], key, url };
}

function removeDuplicates(entries: readonly (ObjectToPurge | NotPurged)[]): ObjectSelection {
  const objects = new Map<string, ObjectToPurge>();
  const skipped = entries.filter((entry) => "reason" in entry);
  for (const entry of entries) {
    if ("reason" in entry) continue;
    const earlier = objects.get(entry.url);
    const aliases = [...new Set([...(earlier?.aliases ?? []), entry.bucket])];
    const isRemoved = earlier?.isRemoved || entry.isRemoved; // an event may name an object twice
    objects.set(entry.url, { ...entry, aliases, isRemoved });
  }
  return { objects: [...objects.values()], skipped };
}
