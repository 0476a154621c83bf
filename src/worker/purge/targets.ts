// Which objects of the configured buckets are to be purged. Pure.

import { keyFault } from "../../url/key.ts";
import type { Bucket } from "../config/bucket.ts";
import { originUrl } from "../origin/object-url.ts";
import type { StoredObject } from "./purge-request.ts";

/** An object to purge. */
export type Target = {
  /** BUCKET/key: the bucket of wrangler.toml, and the key below its prefix. */
  readonly name: string;
  readonly bucket: Pick<Bucket, "base" | "engines">;
  /** The whole key. */
  readonly key: string;
  /** Its URL at the origin, which is its source for the edge (C3). */
  readonly url: string;
  /** When it was changed, if an event says so: ms since 1970. */
  readonly changed?: number;
};

/** What is not purged, and why. */
export type Left = { readonly object: string; readonly reason: string };

export type Targets = {
  /** Each object once. */
  readonly targets: readonly Target[];
  /** The names that mean no object, or the objects of an event that no route can show. */
  readonly others: readonly Left[];
};

type Known = Pick<Bucket, "name" | "bucket" | "base" | "prefix" | "engines">;

/** The objects that were named. A wrong name is a fault of the caller. */
export function targetsNamed(buckets: readonly Known[], names: readonly string[]): Targets {
  const known = new Map(buckets.map((bucket) => [bucket.name, bucket]));
  return gather(names, (name) => {
    const slash = name.indexOf("/");
    const bucket = known.get(name.slice(0, Math.max(0, slash)));
    if (!bucket) return { object: name, reason: "begins with no bucket of wrangler.toml and /" };
    const key = bucket.prefix + name.slice(slash + 1);
    const fault = keyFault(key);
    return fault ? { object: name, reason: `no object has this key: ${fault}` } : [{ bucket, key }];
  });
}

/**
 * The objects that an event means, in every configured bucket that shows them. Others are no fault: a
 * bucket has more than what Vitrine shows. They are told by their key alone.
 */
export function targetsOfEvent(
  buckets: readonly Known[],
  objects: readonly StoredObject[],
): Targets {
  return gather(objects, ({ bucket: name, key, changed }) => {
    const same = buckets.filter(({ bucket }) => bucket === name);
    if (same.length === 0) return { object: key, reason: "not shown: it is in another bucket" };
    if (keyFault(key)) return { object: key, reason: "not shown: no URL can name this key" };
    const showing = same.filter(({ prefix }) => key.startsWith(prefix));
    if (showing.length === 0) return { object: key, reason: "not shown: outside of the prefix" };
    return showing.map((bucket) => ({ bucket, key, ...(changed !== undefined && { changed }) }));
  });
}

function gather<Named>(
  named: readonly Named[],
  find: (one: Named) => readonly { bucket: Known; key: string; changed?: number }[] | Left,
): Targets {
  const targets = new Map<string, Target>();
  const others: Left[] = [];
  for (const one of named) {
    const found = find(one);
    if ("reason" in found) others.push(found);
    else {
      for (const one of found) {
        const { bucket, key } = one;
        const url = originUrl(bucket.base, key);
        const name = `${bucket.name}/${key.slice(bucket.prefix.length)}`;
        const known = targets.get(url);
        // The last change of the same object counts.
        if (!known || (known.changed ?? 0) < (one.changed ?? 0))
          targets.set(url, { ...one, name, url });
      }
    }
  }
  return { targets: [...targets.values()], others };
}
