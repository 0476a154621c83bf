import { AwsV4Signer } from "aws4fetch";

export type Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string };

/** The headers that sign a request. */
export type SignedHeaders = {
  readonly authorization: string;
  readonly "x-amz-content-sha256": string;
  readonly "x-amz-date": string;
};

const UNSIGNED = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } as const;
const HMAC = { name: "HMAC", hash: "SHA-256" };
const encoder = new TextEncoder();

/** aws4fetch's signer, which derives the key of the day once, and imports it once and not for each request. */
class Signer extends AwsV4Signer {
  readonly day: { key?: CryptoKey } = {};

  override async signature(): Promise<string> {
    const { key } = this.day;
    if (key !== undefined) {
      const text = encoder.encode(await this.stringToSign());
      return hex(await crypto.subtle.sign("HMAC", key, text));
    }
    const signature = await super.signature();
    const [derived] = this.cache.values(); // the only one: the cache is its own
    if (derived !== undefined) {
      this.day.key = await crypto.subtle.importKey("raw", derived, HMAC, false, ["sign"]);
    }
    return signature;
  }
}

/**
 * Signs a request with Signature Version 4 in headers, for S3. The signed headers are exactly `host`,
 * `x-amz-content-sha256` and `x-amz-date` (A1): those that the edge lets through (E1).
 * @param url an origin URL, as `originUrl` makes it, or one with a query
 * @param now milliseconds since 1970; the signature is good from 15 minutes before to 15 after (A7)
 * @param method the Worker only ever GETs
 */
export function sign(
  url: string,
  region: string,
  credentials: Credentials,
  now: number,
  method = "GET",
): Promise<SignedHeaders> {
  return headersOf(signerOf(url, region, credentials, now, method));
}

/**
 * Signs requests for objects of one host with one date: as `sign` does, but what all of them have in
 * common is made once.
 * @param origin the beginning of their URLs: scheme and host
 */
export function createSigner(
  origin: string,
  region: string,
  credentials: Credentials,
  now: number,
): (url: string) => Promise<SignedHeaders> {
  const common = signerOf(origin, region, credentials, now, "GET");
  return (url) => {
    const path = url.slice(origin.length);
    if (path.includes("?") || !url.startsWith(`${origin}/`)) {
      return sign(url, region, credentials, now);
    }
    const signer: Signer = Object.create(common);
    signer.encodedPath = path; // what `originUrl` made is what is signed (A2)
    return headersOf(signer);
  };
}

function signerOf(
  url: string,
  region: string,
  { accessKeyId, secretAccessKey }: Credentials,
  now: number,
  method: string,
): Signer {
  const datetime = new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, "");
  const service = "s3"; // A3: aws4fetch would guess it from the host
  const headers = UNSIGNED;
  return new Signer({
    url,
    method,
    service,
    region,
    accessKeyId,
    secretAccessKey,
    datetime,
    headers,
  });
}

async function headersOf(signer: Signer): Promise<SignedHeaders> {
  const authorization = await signer.authHeader();
  return { authorization, ...UNSIGNED, "x-amz-date": signer.datetime };
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
