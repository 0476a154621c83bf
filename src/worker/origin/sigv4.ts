// Signs requests for S3 with Signature Version 4 in headers, by aws4fetch. No I/O. No clock: `now` is
// passed in.

import { AwsV4Signer } from "aws4fetch";
import type { Credentials } from "../config/slot.ts";
import { memoize } from "../util/memoize.ts";

/** The headers that sign a request. */
export type SignedHeaders = {
  readonly authorization: string;
  readonly "x-amz-content-sha256": string;
  readonly "x-amz-date": string;
  /** Of session credentials (A11). */
  readonly "x-amz-security-token"?: string;
};

const UNSIGNED = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } as const;

/** The keys that aws4fetch derives of credentials, by day and region (A3). */
const derivedKeysOf = memoize((_credentials: Credentials) => new Map<string, ArrayBuffer>());

/**
 * Signs one request. The signed headers are exactly `host`, `x-amz-content-sha256` and `x-amz-date` (A1):
 * the edge lets these through (E1). With session credentials `x-amz-security-token` is one, too (A11).
 * @param url an origin URL, as `originUrl` and `sourceUrl` make it, or one with another query
 * @param now ms since 1970; the signature is good from 15 minutes before to 15 minutes after (A7)
 * @param method the Worker only ever sends GET
 */
export async function sign(
  url: string,
  region: string,
  credentials: Credentials,
  now: number,
  method = "GET",
): Promise<SignedHeaders> {
  const signer = new AwsV4Signer({
    ...credentials,
    url,
    method,
    region,
    service: "s3", // A3: aws4fetch would guess it from the host
    headers: UNSIGNED,
    datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, ""),
    cache: derivedKeysOf(credentials),
  });
  const token = credentials.sessionToken && { "x-amz-security-token": credentials.sessionToken };
  const authorization = await signer.authHeader();
  return { authorization, ...UNSIGNED, "x-amz-date": signer.datetime, ...token };
}
