// What to list under Sources of the zone, so that the edge may fetch from a bucket (E5). Pure.

import type { Bucket } from "../../worker/config/bucket.ts";

export type SourceOrigin = {
  /** The domain, and the path if there is one: `s3.eu-central-1.wasabisys.com/acme/published/`. */
  readonly entry: string;
  /** Whether the host has the buckets of others, too: it is path-style (A4, E10). */
  readonly shared: boolean;
};

/**
 * A path ends with a slash: whether `/acme` would also allow `/acme-2` is not known. For the same reason
 * it has no segment that is spelt otherwise once it is encoded.
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
