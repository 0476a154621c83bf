// Puts one object into a local bucket.

import type { Credentials } from "../worker/config/slot.ts";
import { originUrl } from "../worker/origin/object-url.ts";
import { sign } from "../worker/origin/sigv4.ts";

/**
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
  const url = originUrl(base, key);
  const signed = await sign(url, "auto", credentials, Date.now(), "PUT");
  const headers = { ...signed, "content-type": type };
  const response = await fetch(url, { method: "PUT", headers, body });
  if (!response.ok) {
    throw new Error(`The local S3 refuses ${key}: ${response.status} ${await response.text()}`);
  }
  await response.body?.cancel();
}
