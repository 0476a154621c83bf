// The URL of an object: exactly the text that is signed and sent (A2).

import { encodeKey } from "../../url/encoding.ts";
import type { Bucket } from "../config/bucket.ts";
import { sha256Hex } from "../util/bytes.ts";

export function originUrl(baseUrl: string, key: string): string {
  return baseUrl + encodeKey(key);
}

/**
 * The URL that the edge fetches. For the edge, a replaced object is another source (C1): nothing old can come
 * out of its caches. S3 ignores the parameter, and the signature covers it (A15).
 * @param validator names the object's bytes. No validator can be calculated from the parameter
 */
export async function sourceUrl(
  { baseUrl, hasSourceParameter }: Pick<Bucket, "baseUrl" | "hasSourceParameter">,
  key: string,
  validator: string | undefined,
): Promise<string> {
  const url = originUrl(baseUrl, key);
  if (!hasSourceParameter || validator === undefined) return url;
  return `${url}?x-vitrine=${(await sha256Hex(`source ${validator}`)).slice(0, 32)}`;
}
