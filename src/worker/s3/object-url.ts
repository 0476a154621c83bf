import { encodeKey } from "../../url/grammar.ts";

export type Addressing = "virtual" | "path";

/**
 * The URL of a bucket without a key (A4).
 * @param endpoint an absolute URL without query, fragment or slash at its end
 */
export function bucketBase(endpoint: string, bucket: string, addressing: Addressing): string {
  if (addressing === "path") return `${endpoint}/${bucket}/`;
  const { protocol, host, pathname } = new URL(endpoint);
  return `${protocol}//${bucket}.${host}${pathname === "/" ? "" : pathname}/`;
}

/** Virtual-hosted where AWS serves it and TLS allows it, else path-style (A4). */
export function defaultAddressing(endpoint: string, bucket: string): Addressing {
  const aws = /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
  return aws && !bucket.includes(".") ? "virtual" : "path";
}

/**
 * The URL of an object: the very text that is signed and sent (A2).
 * @param version becomes a parameter, which S3 does not heed, and makes another source of it for the
 *   edge (C1)
 */
export function originUrl(base: string, key: string, version?: string): string {
  return base + encodeKey(key) + (version === undefined ? "" : `?v=${version}`);
}
