// Signs requests for S3 with Signature Version 4 in headers, by aws4fetch. It sends nothing, and has no clock: `now` is
// passed in. No header of a visitor is ever signed: the edge (Cloudflare's image service), which sends some of these
// requests on, replaces them, and the signature would not match any more (E3). Such codes are rules of docs/rules.md.

import { AwsV4Signer } from "aws4fetch";
import type { Credentials } from "../config/slot.ts";
import { memoize } from "../util/memoize.ts";

/** The headers that sign a request. */
export type SignedHeaders = {
  readonly authorization: string;
  readonly "x-amz-content-sha256": string;
  readonly "x-amz-date": string;
  /** Only for session credentials (A11). */
  readonly "x-amz-security-token"?: string;
};

/** The header with the hash of the payload. A GET has no payload, and S3 takes this word in place of the hash (A1). */
const PAYLOAD_HEADER = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } as const;

/**
 * The keys that aws4fetch derives from credentials, by day and region (A3). It fills and reads this Map itself. Without
 * the Map, it would derive the key of the day anew for each request. A credentials object has one Map, which is freed
 * together with that object.
 */
const derivedKeysOf = memoize((_credentials: Credentials) => new Map<string, ArrayBuffer>());

/**
 * Signs one request. The signed headers are exactly `host`, `x-amz-content-sha256` and `x-amz-date` (A1), because the
 * edge sends no others on (E1). With session credentials, `x-amz-security-token` is signed, too (A11).
 * @param url an origin URL, as `originUrl` and `sourceUrl` make it, or one with another query
 * @param now ms since 1970. The signature is valid from 15 minutes before to 15 minutes after (A7)
 * @param method the Worker sends only GET. src/dev/local-bucket.ts also passes PUT and DELETE
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
    service: "s3", // aws4fetch would guess the service from the host, and guess wrong (A3)
    headers: PAYLOAD_HEADER,
    // The form of x-amz-date: 2026-11-26T12:00:00.000Z without ":", "-" and ".000" is 20261126T120000Z.
    datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, ""),
    cache: derivedKeysOf(credentials),
  });
  const authorization = await signer.authHeader();

  const { sessionToken } = credentials;
  return {
    authorization,
    ...PAYLOAD_HEADER,
    "x-amz-date": signer.datetime,
    ...(sessionToken && { "x-amz-security-token": sessionToken }),
  };
}
