// Whether a bucket's name stands in the host or in the path of its URL (A4), and the URL of STS. Pure.

type Addressing = "virtual" | "path";

/**
 * The URL of a bucket without a key (A4).
 * @param endpoint an absolute URL without query, fragment or slash at its end
 */
export function bucketBase(endpoint: string, bucket: string, addressing: Addressing): string {
  if (addressing === "path") return `${endpoint}/${bucket}/`;
  const { protocol, host, pathname } = new URL(endpoint);
  return `${protocol}//${bucket}.${host}${pathname === "/" ? "" : pathname}/`;
}

/** Virtual-hosted if AWS serves it and TLS allows it, else path-style (A4). */
export function defaultAddressing(endpoint: string, bucket: string): Addressing {
  const aws = /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
  return aws && !bucket.includes(".") ? "virtual" : "path";
}

/** The URL of STS in a region of AWS. Those in China have a domain of their own. */
export function defaultSts(region: string): string {
  return `https://sts.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
}
