// The buckets that routes lead to, what to list under Sources for them, and how their secrets are called. Pure.

import { tableOf } from "../../worker/base/json.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";

/** The buckets that routes lead to, also as a fallback. */
export function bucketsOf(routes: readonly BoundRoute[]): ReadonlySet<Bucket> {
  return new Set(
    routes.flatMap(({ buckets, fallback }) => [...buckets, ...(fallback ? [fallback.bucket] : [])]),
  );
}

/**
 * The buckets that another one follows in a route. Who may not list one of them is denied what is missing there (A6),
 * and the next one is never asked. An R2 binding needs no right.
 */
export function followedBuckets(routes: readonly BoundRoute[]): ReadonlySet<Bucket> {
  const followed = routes.flatMap(({ buckets }) => buckets.slice(0, -1));
  return new Set(followed.filter(({ r2 }) => r2 === undefined));
}

/** Returns whether the image edge fetches from a bucket, so that the zone has to allow it. */
export function hasEdge(routes: readonly BoundRoute[]): boolean {
  return [...bucketsOf(routes)].some(({ engine }) => engine === "cf");
}

type SourceOrigin = {
  /** The domain, and the path if there is one: `s3.eu-central-1.wasabisys.com/acme/published/`. */
  readonly entry: string;
  /** Whether the host has the buckets of others, too: it is path-style (A4, E10). */
  readonly shared: boolean;
};

/**
 * The narrowest entry that certainly works. Its path ends with a slash, because `/acme` may also allow
 * `/acme-2`. It ends before the first segment that percent-encoding changes, because how the edge compares
 * such a segment is not known.
 */
export function originOf({
  base,
  bucket,
  prefix,
}: Pick<Bucket, "base" | "bucket" | "prefix">): SourceOrigin {
  const { host, pathname } = new URL(base);
  const [plain = ""] = /^(?:[\w.~-]+\/)*/.exec(prefix) ?? [];
  const path = pathname + plain;
  return { entry: path === "/" ? host : host + path, shared: pathname.endsWith(`/${bucket}/`) };
}

/**
 * What the names of a bucket's secrets begin with, by the bucket's name in `BUCKETS`. An R2 binding and a
 * role have no secrets.
 */
export function secretPrefixesOf(buckets: unknown): Map<string, string> {
  return new Map(
    Object.entries(tableOf(buckets)).flatMap(([name, settings]) => {
      const { binding, role, credentials } = tableOf(settings);
      if (binding !== undefined || role !== undefined) return [];
      return [[name, typeof credentials === "string" ? credentials : "AWS"]];
    }),
  );
}
