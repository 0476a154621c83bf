import { AwsV4Signer } from "aws4fetch";

export type Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string };

/** Signing keys, good for a day each, so that four of the five HMACs are not done per request. */
const signingKeys = new Map<string, ArrayBuffer>();

/**
 * Signs a request with Signature Version 4 in headers, for S3. The signed headers are exactly `host`,
 * `x-amz-content-sha256` and `x-amz-date` (A1): those that the edge lets through (E1).
 * @param url an origin URL, as `originUrl` makes it
 * @param now milliseconds since 1970; the signature is good from 15 minutes before to 15 after (A7)
 * @param method the Worker only ever GETs
 */
export async function sign(
  url: string,
  region: string,
  credentials: Credentials,
  now: number,
  method = "GET",
): Promise<Headers> {
  const signer = new AwsV4Signer({
    url,
    method,
    service: "s3", // A3: aws4fetch would guess it from the host
    region,
    accessKeyId: credentials.accessKeyId,
    secretAccessKey: credentials.secretAccessKey,
    datetime: new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, ""),
    headers: { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
    cache: signingKeys,
  });
  return (await signer.sign()).headers;
}
