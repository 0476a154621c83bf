// The URL of an object: exactly the text that is signed and sent (A2 in docs/rules.md). Where the text that is sent
// differs from it in one character, S3 refuses the signature. Sends nothing.

import { encodeKey } from "../../url/encoding.ts";
import type { Bucket } from "../config/bucket.ts";
import { sha256Hex } from "../util/bytes.ts";

/** The parameter of a URL that the edge fetches. */
const SOURCE_PARAMETER = "x-vitrine";

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
  return `${url}?${SOURCE_PARAMETER}=${hash.slice(0, 32)}`;
}

/**
 * Returns whether the edge asks for an original as this Worker has told it to: by a URL of `sourceUrl`, or with a signature
 * for S3. Whatever else the edge asks for is a picture that an app transforms once more, as any visitor may (E8, E13).
 */
export function isForOriginal({ url, headers }: Pick<Request, "url" | "headers">): boolean {
  const isOfEdge = /image-resizing/i.test(headers.get("via") ?? "");
  if (!isOfEdge) return false;

  const isSigned = /^AWS4-/i.test(headers.get("authorization") ?? "");
  return isSigned || new URL(url).searchParams.has(SOURCE_PARAMETER);
}
