// Which objects of the configured buckets are to be purged. Pure.

import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../config/bucket.ts";
import { originUrl } from "../origin/object-url.ts";
import type { StoredObject } from "./read-purge.ts";

/** An object to purge. */
export type Target = {
  /** BUCKET/key: the bucket of wrangler.toml, and the key below its prefix. */
  readonly name: string;
  readonly bucket: Bucket;
  /** The whole key. */
  readonly key: string;
  /** Its URL at the origin, which tells objects apart. */
  readonly url: string;
  /** Whether an event calls it removed; undefined: no event names it. */
  readonly isRemoved?: boolean;
};

/** What is not purged, and why. */
export type NotPurged = { readonly object: string; readonly reason: string };

export type Targets = {
  /** Each object once. */
  readonly targets: readonly Target[];
  /** The names that mean no object, or the objects of an event that no route can show. */
  readonly others: readonly NotPurged[];
};

/** The objects that were named. A wrong name is a fault of the caller. */
export function targetsNamed(buckets: readonly Bucket[], names: readonly string[]): Targets {
  const known = new Map(buckets.map((bucket) => [bucket.name, bucket]));
  const found = names.map((name) => {
    const slash = name.indexOf("/");
    const bucket = known.get(name.slice(0, Math.max(0, slash)));
    if (!bucket) return { object: name, reason: "begins with no bucket: write BUCKET/key" };
    const key = bucket.prefix + name.slice(slash + 1);
    const fault = keyFault(key);
    if (fault) return { object: name, reason: `no object has this key: ${fault}` };
    return targetOf(bucket, { key });
  });
  return withoutDoubles(found);
}

/**
 * The objects that an event means, in every configured bucket that shows them. Others are no fault: a
 * bucket has more than what Vitrine shows. They are told by their key alone.
 */
export function targetsOfEvent(
  buckets: readonly Bucket[],
  objects: readonly StoredObject[],
): Targets {
  const found = objects.flatMap((object): (Target | NotPurged)[] => {
    const { bucket: name, ...event } = object;
    const { key } = event;
    const same = buckets.filter(({ bucket }) => bucket === name);
    if (same.length === 0) return [{ object: key, reason: "not shown: it is in another bucket" }];
    if (keyFault(key)) return [{ object: key, reason: "not shown: no URL can name this key" }];
    const showing = same.filter(({ prefix }) => key.startsWith(prefix));
    if (showing.length === 0) return [{ object: key, reason: "not shown: outside of the prefix" }];
    return showing.map((bucket) => targetOf(bucket, event));
  });
  return withoutDoubles(found);
}

function targetOf(bucket: Bucket, { key, ...event }: Pick<Target, "key" | "isRemoved">): Target {
  const name = `${bucket.name}/${key.slice(bucket.prefix.length)}`;
  const url = originUrl(bucket.baseUrl, key);
  return { ...event, name, bucket, key, url };
}

function withoutDoubles(found: readonly (Target | NotPurged)[]): Targets {
  const targets = new Map<string, Target>();
  const others: NotPurged[] = [];
  for (const one of found) {
    if ("reason" in one) others.push(one);
    // An event may name an object twice.
    else if (!targets.get(one.url)?.isRemoved) targets.set(one.url, one);
  }
  return { targets: [...targets.values()], others };
}
