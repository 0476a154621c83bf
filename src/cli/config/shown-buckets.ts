// The buckets that a configuration shows.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";

/** The buckets that routes lead to, also as a fallback. */
export function bucketsOf(routes: readonly BoundRoute[]): ReadonlySet<Bucket> {
  return new Set(
    routes.flatMap(({ bucket, fallback }) => (fallback ? [bucket, fallback.bucket] : [bucket])),
  );
}
