// The cache tags of renditions (W10): hashes, so that any key has a tag, of one length. No secret is in them.

import { hex } from "../base/hex.ts";
import type { Bucket } from "../config/bucket.ts";
import { originUrl } from "../origin/object-url.ts";

/** The tag of all renditions of an object, of all of its versions. */
export function objectTag({ base }: Pick<Bucket, "base">, key: string): Promise<string> {
  return digest(originUrl(base, key));
}

const known = new WeakMap<object, string>();

/** The tag of all renditions of a bucket, whatever its name in wrangler.toml is. Computed once. */
export async function bucketTag(bucket: Pick<Bucket, "base">): Promise<string> {
  const tag = known.get(bucket) ?? (await digest(bucket.base));
  known.set(bucket, tag);
  return tag;
}

/** SHA-256 as 64 lower-case hexadecimal digits: tags are compared without regard to case. */
async function digest(text: string): Promise<string> {
  return hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
