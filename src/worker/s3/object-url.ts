import { encodeKey } from "../../url/grammar.ts";

/**
 * The URL of an object: the very text that is signed and sent (A2).
 * @param version becomes a parameter, which S3 does not heed, and makes another source of it for the
 *   edge (C1)
 */
export function originUrl(base: string, key: string, version?: string): string {
  return base + encodeKey(key) + (version === undefined ? "" : `?v=${version}`);
}
