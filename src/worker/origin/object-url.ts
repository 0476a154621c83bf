// The URL of an object: exactly the text that is signed and sent (A2 in docs/rules.md). Where the text that is sent
// differs from it in one character, S3 refuses the signature. Sends nothing.

import { encodeKey } from "../../url/encoding.ts";
import type { Bucket } from "../config/bucket.ts";
import { sha256Hex } from "../util/bytes.ts";

/** @param key with the bucket's prefix */
export function originUrl(baseUrl: string, key: string): string {
  return baseUrl + encodeKey(key);
}

/**
 * The URL that the edge (Cloudflare's image service) fetches, with a parameter that changes with the object. S3 ignores
 * the parameter (A15), and the signature covers it.
 * @param validator names the object's bytes
 */
export async function sourceUrl(
  bucket: Pick<Bucket, "baseUrl" | "hasSourceParameter">,
  key: string,
  validator: string | undefined,
): Promise<string> {
  const url = originUrl(bucket.baseUrl, key);
  if (!bucket.hasSourceParameter || validator === undefined) return url;

  // The edge caches by URL (C1), so a replaced object is another source for it: no old picture comes out of its caches.
  // The parameter is a hash, because nobody should be able to calculate the validator from a URL. "source " keeps it
  // apart from any other hash of the validator. 32 digits are enough: no two validators will share them by chance.
  const hash = await sha256Hex(`source ${validator}`);
  return `${url}?x-vitrine=${hash.slice(0, 32)}`;
}
