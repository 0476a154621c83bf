// Selects the objects of the configured buckets that a purge means: by their names, or by an event of S3. Pure.

import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../config/bucket.ts";
import { originUrl } from "../origin/object-url.ts";
import type { EventObject } from "./read-purge.ts";

export type ObjectToPurge = {
  /** BUCKET/key: the bucket of wrangler.toml, and the key below its prefix. */
  readonly name: string;
  readonly bucket: Bucket;
  /** The selected buckets of wrangler.toml that point to the object's bucket at S3. Each has its own credentials. */
  readonly aliases: readonly Bucket[];
  /** The whole key, with the bucket's prefix. */
  readonly key: string;
  /** Its URL at the origin, which tells objects apart. */
  readonly url: string;
};

/** An object that is not purged, and why, as the answer of /purge lists it. */
export type NotPurged = { readonly object: string; readonly reason: string };

export type ObjectSelection = {
  /** Each object once. */
  readonly objects: readonly ObjectToPurge[];
  /** The names that mean no object, or the objects of an event that no route can show. */
  readonly skipped: readonly NotPurged[];
};

export type EventSelection = ObjectSelection & {
  /** The objects of the event that a bucket shows, as the event names them. */
  readonly matched: readonly EventObject[];
  /** The names at S3 of the event's buckets that no bucket of wrangler.toml has, each once. */
  readonly otherBuckets: readonly string[];
};

/** Selects objects by their names, BUCKET/key. A wrong name is a fault of the caller. */
export function selectByName(
  buckets: readonly Bucket[],
  names: readonly string[],
): ObjectSelection {
  const bucketsByName = new Map(buckets.map((bucket) => [bucket.name, bucket]));
  const objects: ObjectToPurge[] = [];
  const skipped: NotPurged[] = [];

  for (const name of names) {
    // A name without a bucket has no slash (-1), or begins with one (0).
    const slash = name.indexOf("/");
    const bucket = slash > 0 ? bucketsByName.get(name.slice(0, slash)) : undefined;
    if (!bucket) {
      skipped.push({ object: name, reason: "begins with no bucket: write BUCKET/key" });
      continue;
    }

    const key = bucket.prefix + name.slice(slash + 1);
    const fault = keyFault(key);
    if (fault) {
      skipped.push({ object: name, reason: `no object has this key: ${fault}` });
      continue;
    }

    objects.push(createObject(bucket, key));
  }
  return { objects: mergeByUrl(objects), skipped };
}

/**
 * Selects the objects of an event in every configured bucket that shows them. An object that no bucket shows is no
 * fault: a bucket of S3 has more than what Vitrine shows.
 */
export function selectByEvent(
  buckets: readonly Bucket[],
  eventObjects: readonly EventObject[],
): EventSelection {
  const objects: ObjectToPurge[] = [];
  const skipped: NotPurged[] = [];
  const matched: EventObject[] = [];
  const otherBuckets = new Set<string>();

  for (const eventObject of eventObjects) {
    const { bucket: nameAtS3, key } = eventObject;

    // `bucket.name` is the name in wrangler.toml, `bucket.bucket` the one at S3.
    const aliases = buckets.filter((bucket) => bucket.bucket === nameAtS3);
    if (aliases.length === 0) {
      otherBuckets.add(nameAtS3);
      skipped.push({ object: key, reason: "not shown: it is in another bucket" });
      continue;
    }

    if (keyFault(key)) {
      skipped.push({ object: key, reason: "not shown: no URL can name this key" });
      continue;
    }

    const showing = aliases.filter(({ prefix }) => key.startsWith(prefix));
    if (showing.length === 0) {
      skipped.push({ object: key, reason: "not shown: outside of the prefix" });
      continue;
    }

    matched.push(eventObject);
    for (const bucket of showing) objects.push(createObject(bucket, key));
  }
  return { objects: mergeByUrl(objects), skipped, matched, otherBuckets: [...otherBuckets] };
}

function createObject(bucket: Bucket, key: string): ObjectToPurge {
  const relativeKey = key.slice(bucket.prefix.length);
  return {
    name: `${bucket.name}/${relativeKey}`,
    bucket,
    aliases: [bucket],
    key,
    url: originUrl(bucket.baseUrl, key),
  };
}

/** Makes one object of all those with the same URL. Each of their names is right: the answer has the last one. */
export function mergeByUrl(objects: readonly ObjectToPurge[]): ObjectToPurge[] {
  const objectsByUrl = new Map<string, ObjectToPurge>();

  for (const object of objects) {
    const earlier = objectsByUrl.get(object.url);
    const aliases = new Set(earlier?.aliases).add(object.bucket);
    objectsByUrl.set(object.url, { ...object, aliases: [...aliases] });
  }
  return [...objectsByUrl.values()];
}
