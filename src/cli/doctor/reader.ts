// A bucket as the doctor asks it: with the credentials of a slot, or with none.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { originUrl } from "../../worker/s3/object-url.ts";
import { sign } from "../../worker/s3/sigv4.ts";
import { askS3, fetchObject, type S3Answer } from "../net/ask-s3.ts";
import { type ListOptions, listPage, type Page } from "../net/list.ts";

/** How time is kept. */
export type Watch = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Seconds that an answer may take. */
  readonly patience: number;
};

/** What is asked of a bucket. Keys are those in the bucket. */
export type Reader = {
  /** Asks for an object, and reads none of it. */
  readonly ask: (key: string) => Promise<S3Answer>;
  /** Fetches an object whole, or so many bytes of it. */
  readonly fetch: (
    key: string,
    first?: number,
  ) => Promise<S3Answer & { readonly bytes?: Uint8Array }>;
  readonly list: (options: ListOptions) => Promise<Page | S3Answer>;
  /**
   * Puts a part of an upload that there is not: who may write is told so (NoSuchUpload), and who may not
   * is denied. Either way nothing is written; nor where an S3 takes it for an object, since the digest is
   * of something else.
   */
  readonly tryWriting: (key: string) => Promise<S3Answer>;
};

/** Of no body that is empty. */
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
