// Lists the keys of a bucket, a page at a time, by ListObjectsV2.

import { encodeKey } from "../../url/grammar.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import { askS3, PATIENCE_S, type S3Answer } from "../http/ask-s3.ts";
import { type Page, readPage } from "./read-page.ts";

export type ListOptions = {
  readonly prefix: string;
  readonly delimiter?: "/";
  /** 1 to 1,000. */
  readonly most?: number;
  readonly next?: string | undefined;
};

/** The URL of a page. Its query has the one spelling that is signed (A2). */
function listUrl({ base }: Bucket, { prefix, delimiter, most = 1000, next }: ListOptions): string {
  const asked = {
    ...(next !== undefined && { "continuation-token": next }),
    ...(delimiter && { delimiter }),
    "encoding-type": "url", // else keys with control characters are lost, or the list fails
    "list-type": "2",
    "max-keys": `${most}`,
    prefix,
  };
  const query = Object.entries(asked).map(([name, value]) => {
    return `${name}=${encodeKey(value).replaceAll("/", "%2F")}`;
  });
  return `${base}?${query.join("&")}`;
}

/**
 * @param credentials undefined: as a stranger
 * @returns the answer of S3 if it is not a list; after a status of 200, `failure` says what is wrong
 */
export async function listPage(
  bucket: Bucket,
  credentials: Credentials | undefined,
  options: ListOptions,
  now: number,
  patience = PATIENCE_S,
): Promise<Page | S3Answer> {
  const url = listUrl(bucket, options);
  const signed = credentials && (await sign(url, bucket.region, credentials, now));
  const headers = new Headers(signed);
  const answer = await askS3(url, { headers }, now, patience);
  if (answer.status !== 200 || answer.failure !== undefined) return answer;
  const page = readPage(answer.text, options.prefix);
  return "wrong" in page ? { ...answer, failure: page.wrong } : page;
}
