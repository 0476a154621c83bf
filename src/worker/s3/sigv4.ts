// Signs a request for S3 with Signature Version 4 in headers, by aws4fetch. No I/O. No clock: `now` is
// passed in.

import { AwsV4Signer } from "aws4fetch";
import type { Credentials } from "../config/slot.ts";

/** The headers that sign a request. */
export type SignedHeaders = {
  readonly authorization: string;
  readonly "x-amz-content-sha256": string;
  readonly "x-amz-date": string;
};

const UNSIGNED = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } as const;
const HMAC = { name: "HMAC", hash: "SHA-256" };
const encoder = new TextEncoder();

/** Imported keys, by the bytes that aws4fetch derived. */
const imported = new WeakMap<ArrayBuffer, CryptoKey>();

/**
 * aws4fetch caches the derived key, but imports it for each signature. This signer imports it once:
 * otherwise a request for a key that nobody asked for before costs over 3 % more (`npm run bench`,
 * "different").
 */
class ImportingSigner extends AwsV4Signer {
  override async signature(): Promise<string> {
    const [derived] = this.cache.values();
    if (derived === undefined) return super.signature();
    const key =
      imported.get(derived) ??
      (await crypto.subtle.importKey("raw", derived, HMAC, false, ["sign"]));
    imported.set(derived, key);
    return hex(await crypto.subtle.sign("HMAC", key, encoder.encode(await this.stringToSign())));
  }
}

/**
 * The signed headers are exactly `host`, `x-amz-content-sha256` and `x-amz-date` (A1): the edge lets
 * these through (E1).
 * @param url an origin URL, as `originUrl` makes it, or one with a query
 * @param now ms since 1970; the signature is good from 15 minutes before to 15 minutes after (A7)
 * @param method the Worker only ever sends GET
 * @param cache keeps the key that is derived for these credentials, this region and this day (UTC)
 */
export async function sign(
  url: string,
  region: string,
  credentials: Credentials,
  now: number,
  method = "GET",
  cache = new Map<string, ArrayBuffer>(),
): Promise<SignedHeaders> {
  const signer = new ImportingSigner({
    ...credentials,
    url,
    method,
    region,
    service: "s3", // A3: aws4fetch would guess it from the host
    headers: UNSIGNED,
    datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, ""),
    cache,
  });
  const authorization = await signer.authHeader();
  return { authorization, ...UNSIGNED, "x-amz-date": signer.datetime };
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
