// Puts one object into a local bucket.

import { AwsClient } from "aws4fetch";
import type { Credentials } from "../worker/config/slot.ts";
import { originUrl } from "../worker/s3/object-url.ts";

/**
 * Puts one object into a local bucket.
 * @param base the URL that comes before every key
 * @throws if the S3 refuses it
 */
export async function putObject(
  base: string,
  key: string,
  credentials: Credentials,
  type: string,
  body: Uint8Array,
): Promise<void> {
  const s3 = new AwsClient({ ...credentials, service: "s3", region: "auto", retries: 0 });
  const headers = { "content-type": type };
  const response = await s3.fetch(originUrl(base, key), { method: "PUT", headers, body });
  if (!response.ok) {
    throw new Error(`The local S3 refuses ${key}: ${response.status} ${await response.text()}`);
  }
  await response.body?.cancel();
}
