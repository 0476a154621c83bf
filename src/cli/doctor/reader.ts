// Asks a bucket, with the credentials of a slot or without any. Writes nothing.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import { askS3, fetchObject, type S3Answer } from "../http/ask-s3.ts";
import { type ListOptions, listPage } from "../objects/list-page.ts";

/** The clock in milliseconds since 1970, and how many seconds an answer may take. */
type Watch = { readonly now: () => number; readonly patience: number };

/** Keys begin with the prefix of the bucket. */
export type Reader = ReturnType<typeof readAs>;

/** Makes a reader of one bucket. */
export type Open = (credentials: Credentials | undefined) => Reader;

/** Not the digest of an empty body. */
const OTHER_MD5 = Buffer.alloc(16).toString("base64");

export function readAs(bucket: Bucket, credentials: Credentials | undefined, watch: Watch) {
  const { now, patience } = watch;
  const request = async (key: string, query = "", method?: "PUT") => {
    const at = now();
    const url = originUrl(bucket.base, key) + query;
    const signed = credentials && (await sign(url, bucket.region, credentials, at, method));
    return { at, url, headers: new Headers(signed) };
  };
  return {
    ask: async (key: string, query = "") => {
      const { url, headers, at } = await request(key, query);
      headers.set("range", "bytes=0-0");
      return askS3(url, { headers }, at, patience);
    },
    fetch: async (key: string, first?: number) => {
      const { url, headers, at } = await request(key);
      if (first !== undefined) headers.set("range", `bytes=0-${first - 1}`);
      return fetchObject(url, headers, at, patience);
    },
    list: (options: ListOptions) => listPage(bucket, credentials, options, now(), patience),
    // The upload does not exist: a key that may write learns so (NoSuchUpload), any other is denied. An S3
    // that takes the part for an object refuses it too, because the digest is wrong.
    tryWriting: async (key: string) => {
      const query = "?partNumber=1&uploadId=vitrine-doctor";
      const { url, headers, at } = await request(key, query, "PUT");
      headers.set("content-md5", OTHER_MD5);
      return askS3(url, { method: "PUT", headers }, at, patience);
    },
  };
}

/**
 * Returns whether an object exists that S3 does not return; undefined: S3 does not tell a key that may not
 * list (A6).
 */
export async function isInBucket(
  reader: Reader,
  key: string,
  { status }: S3Answer,
): Promise<boolean | undefined> {
  if (status === 404) return false;
  const page = await reader.list({ prefix: key, most: 1 });
  return "objects" in page ? page.objects[0]?.key === key : undefined;
}
