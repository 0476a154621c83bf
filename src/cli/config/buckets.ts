// The buckets that routes lead to, what to list under Sources for them, and how their secrets are called. Pure.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import { type BucketSlots, readSlots, secretNames } from "../../worker/config/read-secrets.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { Vars } from "../../worker/config/schema.ts";
import type { SlotName } from "../../worker/http/refusal.ts";
import type { R2Binding } from "./environment-config.ts";

/** The buckets that routes lead to, also as a fallback. */
export function bucketsOf(routes: readonly BoundRoute[]): ReadonlySet<Bucket> {
  const all = new Set<Bucket>();
  for (const { buckets, fallback } of routes) {
    for (const bucket of buckets) all.add(bucket);
    if (fallback !== undefined) all.add(fallback.bucket);
  }
  return all;
}

/**
 * The buckets that have another one after them in a route. If the key may not list such a bucket, S3 denies what is
 * missing there (A6), and the next bucket is never asked. An R2 binding needs no right.
 */
export function followedBuckets(routes: readonly BoundRoute[]): ReadonlySet<Bucket> {
  const followed = routes.flatMap(({ buckets }) => buckets.slice(0, -1));
  return new Set(followed.filter(({ r2 }) => r2 === undefined));
}

/** Why the Worker's key or role must list a bucket. */
export type ListNeed = "none" | "store" | "follower";

/**
 * Whether a key must list a bucket: a store, and a bucket that another one follows, need it. Else S3 denies what is
 * missing, so nobody can tell a missing object from a denied one (A6).
 */
export function listNeedOf(
  { store, routes }: Pick<Config, "store" | "routes">,
  { name }: Pick<Bucket, "name">,
): ListNeed {
  const followed = [...followedBuckets(routes)];
  if (followed.some((bucket) => bucket.name === name)) return "follower";
  return store === undefined ? "none" : "store";
}

/** The buckets from which the image edge fetches, so that the zone has to allow it. */
export function edgeBucketsOf(routes: readonly BoundRoute[]): readonly Bucket[] {
  return [...bucketsOf(routes)].filter(({ engine }) => engine === "cf");
}

/**
 * The narrowest entry that certainly works: `s3.eu-central-1.wasabisys.com/acme/published/`. Its path ends with a
 * slash, because `/acme` may also allow `/acme-2`. It ends before the first segment that percent-encoding changes,
 * because how the edge compares such a segment is not known.
 */
export function sourceEntryOf({ baseUrl, prefix }: Bucket): string {
  const { host, pathname } = new URL(baseUrl);
  const plainFolders = /^(?:[\w.~-]+\/)*/.exec(prefix);
  const path = pathname + (plainFolders?.[0] ?? "");
  return path === "/" ? host : host + path;
}

/** Returns whether the host of a bucket has those of others, too (A4, E10). */
export function isPathStyle({ baseUrl, bucket }: Bucket): boolean {
  return new URL(baseUrl).pathname.endsWith(`/${bucket}/`);
}

/** Returns whether keys among the Worker's secrets open a bucket: not a role, and not an R2 binding. */
export function hasSecrets({ r2, role }: Bucket): boolean {
  return r2 === undefined && role === undefined;
}

/** What the names of the secrets of a bucket's keys begin with. AWS, if the Worker opens it without keys. */
function secretPrefixOf(bucket: Bucket): string {
  return hasSecrets(bucket) ? bucket.access : "AWS";
}

export function secretNamesOf(bucket: Bucket, slot?: SlotName) {
  return secretNames(secretPrefixOf(bucket), slot);
}

/** The slots of a bucket of which a secret is among the values. No key opens an R2 binding. */
export function slotsIn(values: Vars, bucket: Bucket): BucketSlots {
  if (bucket.r2 !== undefined) return { usable: [], unusable: [] };

  // The image edge takes no session key (A11).
  const hasSessions = bucket.engine === "binding";
  const slots = readSlots(secretPrefixOf(bucket), values, () => {}, hasSessions);

  const unusable = slots.unusable.filter(({ slot }) => {
    const names = Object.values(secretNamesOf(bucket, slot));
    return names.some((name) => name in values);
  });
  return { usable: slots.usable, unusable };
}

/**
 * Returns a route whose buckets of R2 have the names that wrangler knows.
 * @param r2Buckets the bindings, which say what their buckets are called
 */
export function withBucketNames(route: BoundRoute, r2Buckets: readonly R2Binding[]): BoundRoute {
  const { buckets, fallback } = route;
  return {
    ...route,
    buckets: buckets.map((bucket) => withBucketName(bucket, r2Buckets)),
    fallback: fallback && { ...fallback, bucket: withBucketName(fallback.bucket, r2Buckets) },
  };
}

function withBucketName(bucket: Bucket, r2Buckets: readonly R2Binding[]): Bucket {
  if (bucket.isNameKnown) return bucket;

  const bound = r2Buckets.find(({ binding }) => binding === bucket.bucket);
  const name = bound?.bucket_name ?? bucket.bucket;
  return { ...bucket, bucket: name, isNameKnown: true };
}
