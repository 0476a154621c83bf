import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AwsClient } from "aws4fetch";
import type { Credentials } from "../worker/config/slot.ts";
import { originUrl } from "../worker/s3/object-url.ts";
import { OBJECTS } from "./objects.ts";

/**
 * Puts all fixtures into a bucket of the local S3.
 * @param base the URL that every key follows
 * @param prefix what every key begins with
 * @param progress is told how many of how many are there
 * @throws where the S3 refuses one
 */
export async function fillBucket(
  base: string,
  prefix: string,
  keys: Credentials,
  progress: (done: number, all: number) => void,
): Promise<void> {
  for (const [index, { key, file, type }] of OBJECTS.entries()) {
    const body = readFileSync(join(import.meta.dirname, "../../fixtures/objects", file));
    await putObject(base, prefix + key, keys, type, body);
    progress(index + 1, OBJECTS.length);
  }
}

/**
 * Puts one object into a bucket of the local S3.
 * @param base the URL that every key follows
 * @throws where the S3 refuses it
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
