// Asks a bucket, with the credentials of a slot or without any. Writes nothing.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { originUrl } from "../../worker/s3/object-url.ts";
import { sign } from "../../worker/s3/sigv4.ts";
import { askS3, fetchObject, type S3Answer } from "../net/ask-s3.ts";
import { type ListOptions, listPage, type Page } from "../net/list.ts";

/** The clock, and how long to wait. */
export type Watch = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Seconds that an answer may take. */
  readonly patience: number;
};

/** What the doctor asks of a bucket. Keys begin with the prefix. */
export type Reader = {
  /** Asks for an object, without reading it. */
  readonly ask: (key: string) => Promise<S3Answer>;
  /** Fetches an object, or only its first bytes. */
  readonly fetch: (
    key: string,
    first?: number,
  ) => Promise<S3Answer & { readonly bytes?: Uint8Array }>;
  readonly list: (options: ListOptions) => Promise<Page | S3Answer>;
  /**
   * Puts a part of an upload that does not exist: a key that may write learns so (NoSuchUpload), any other
   * is denied. Nothing is written. An S3 that takes the part for an object refuses it too, because the
   * digest is wrong.
   */
  readonly tryWriting: (key: string) => Promise<S3Answer>;
};

/** Not the digest of an empty body. */
const OTHER_MD5 = Buffer.alloc(16).toString("base64");

export function readAs(bucket: Bucket, credentials: Credentials | undefined, watch: Watch): Reader {
  const { now, patience } = watch;
  const signed = async (url: string, at: number, method?: "PUT") =>
    new Headers(credentials && (await sign(url, bucket.region, credentials, at, method)));
  const ranged = (headers: Headers, bytes: number) => {
    headers.set("range", `bytes=0-${bytes - 1}`);
    return headers;
  };
  return {
    ask: async (key) => {
      const at = now();
      const url = originUrl(bucket.base, key);
      return askS3(url, { headers: ranged(await signed(url, at), 1) }, at, patience);
    },
    fetch: async (key, first) => {
      const at = now();
      const url = originUrl(bucket.base, key);
      const headers = await signed(url, at);
      return fetchObject(url, first === undefined ? headers : ranged(headers, first), at, patience);
    },
    list: (options) => listPage(bucket, credentials, options, now(), patience),
    tryWriting: async (key) => {
      const at = now();
      const url = `${originUrl(bucket.base, key)}?partNumber=1&uploadId=vitrine-doctor`;
      const headers = await signed(url, at, "PUT");
      headers.set("content-md5", OTHER_MD5);
      return askS3(url, { method: "PUT", headers }, at, patience);
    },
  };
}
