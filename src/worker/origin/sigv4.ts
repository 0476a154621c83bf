// Signs requests for S3 with Signature Version 4 in headers, by aws4fetch. No I/O. No clock: `now` is
// passed in.

import { AwsV4Signer } from "aws4fetch";
import { HMAC, utf8 } from "../../url/grant.ts";
import { hex } from "../base/hex.ts";
import type { Credentials } from "../config/slot.ts";

/** The headers that sign a request. */
export type SignedHeaders = {
  readonly authorization: string;
  readonly "x-amz-content-sha256": string;
  readonly "x-amz-date": string;
  /** Of session credentials (A11). */
  readonly "x-amz-security-token"?: string;
};

const UNSIGNED = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } as const;

/**
 * One signer for all objects of a host, for a period. aws4fetch's own interface makes a signer for each
 * URL: this parses the URL, makes Headers and imports the derived key each time, and a request for a key
 * that nobody asked for before then costs over 15 % more (`npm run bench`, "different").
 */
class PeriodSigner extends AwsV4Signer {
  readonly derived: { key?: CryptoKey } = {};

  override async signature(): Promise<string> {
    const { key } = this.derived;
    if (key) {
      const text = utf8(await this.stringToSign());
      return hex(await crypto.subtle.sign("HMAC", key, text));
    }
    const signature = await super.signature();
    const [bytes] = this.cache.values(); // the only one: the cache is this signer's own
    if (bytes !== undefined) {
      this.derived.key = await crypto.subtle.importKey("raw", bytes, HMAC, false, ["sign"]);
    }
    return signature;
  }

  /**
   * @param path as `originUrl` encoded it: this is what is signed (A2)
   * @param search of one parameter, encoded
   */
  async headersFor(path = this.encodedPath, search = this.encodedSearch): Promise<SignedHeaders> {
    const signer: PeriodSigner = Object.create(this);
    signer.encodedPath = path;
    signer.encodedSearch = search;
    const authorization = await signer.authHeader();
    const token = this.sessionToken && { "x-amz-security-token": this.sessionToken };
    return { authorization, ...UNSIGNED, "x-amz-date": this.datetime, ...token };
  }
}

/**
 * Signs one request. The signed headers are exactly `host`, `x-amz-content-sha256` and `x-amz-date` (A1):
 * the edge lets these through (E1). With session credentials `x-amz-security-token` is one, too (A11).
 * @param url an origin URL, as `originUrl` and `sourceUrl` make it, or one with another query
 * @param now ms since 1970; the signature is good from 15 minutes before to 15 minutes after (A7)
 * @param method the Worker only ever sends GET
 */
export function sign(
  url: string,
  region: string,
  credentials: Credentials,
  now: number,
  method?: string,
): Promise<SignedHeaders> {
  return signerOf(url, region, credentials, now, method).headersFor();
}

/**
 * Signs requests for the objects of one host, with one date. The signatures are those of `sign`.
 * @param origin the scheme and the host of their URLs
 */
export function createSigner(
  origin: string,
  region: string,
  credentials: Credentials,
  now: number,
): (url: string) => Promise<SignedHeaders> {
  const common = signerOf(origin, region, credentials, now);
  return (url) => {
    const [, path, search] = (url.startsWith(origin) && PLAIN.exec(url.slice(origin.length))) || [];
    return path ? common.headersFor(path, search) : sign(url, region, credentials, now);
  };
}

/** A path, and at most the parameter of `sourceUrl`: one that stands as it is signed. */
const PLAIN = /^(\/[^?#]*)(?:\?(x-vitrine=[0-9a-f]+))?$/;

function signerOf(
  url: string,
  region: string,
  credentials: Credentials,
  now: number,
  method = "GET",
): PeriodSigner {
  return new PeriodSigner({
    ...credentials,
    url,
    method,
    region,
    service: "s3", // A3: aws4fetch would guess it from the host
    headers: UNSIGNED,
    datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, ""),
  });
}
