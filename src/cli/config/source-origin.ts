// The entry under Sources of the zone that allows the edge to fetch from a bucket (E5). Pure.

import type { Bucket } from "../../worker/config/bucket.ts";

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
