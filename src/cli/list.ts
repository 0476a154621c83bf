// What a bucket holds, as far as a key may list it.

import { XMLParser } from "fast-xml-parser";
import type { Bucket } from "../bucket.ts";
import { encodeKey } from "../public-url.ts";
import { isTable } from "../schema.ts";
import { type Credentials, sign } from "../sign.ts";
import { askS3, PATIENCE_S, type S3Answer } from "./ask-s3.ts";

export type Page = {
  readonly keys: readonly string[];
  /** With a delimiter: what keys begin with, up to it. */
  readonly prefixes: readonly string[];
  /** What the next page is asked for with; undefined: this is the last one. */
  readonly next: string | undefined;
};

export type ListOptions = {
  readonly prefix: string;
  readonly delimiter?: "/";
  /** 1 to 1,000. */
  readonly most?: number;
  readonly next?: string | undefined;
};

// Keys are texts, whatever they look like: not numbers, and with the spaces at their ends.
const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  htmlEntities: true, // for those with numbers, as &#x1F600;
  isArray: (name) => name === "Contents" || name === "CommonPrefixes",
});

/** The URL that lists a bucket, by ListObjectsV2. Its query is in the one spelling that is signed (A2). */
export function listUrl(
  { base }: Bucket,
  { prefix, delimiter, most = 1000, next }: ListOptions,
): string {
  const asked = {
    ...(next !== undefined && { "continuation-token": next }),
    ...(delimiter && { delimiter }),
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
 * Lists one page of a bucket.
 * @param credentials undefined: as a stranger
 * @param now milliseconds since 1970
 * @param patience seconds that the answer may take
 * @returns what S3 said, where it gives no list
 */
export async function listPage(
  bucket: Bucket,
  credentials: Credentials | undefined,
  options: ListOptions,
  now: number,
  patience = PATIENCE_S,
): Promise<Page | S3Answer> {
  const url = listUrl(bucket, options);
  const headers =
    credentials === undefined ? new Headers() : await sign(url, bucket.region, credentials, now);
  const answer = await askS3(url, { headers }, now, patience);
  return (answer.status === 200 && readPage(answer.text)) || answer;
}

/** @returns undefined where that is no list */
function readPage(xml: string): Page | undefined {
  const read: unknown = parser.parse(xml);
  const list = isTable(read) ? read["ListBucketResult"] : undefined;
  if (!isTable(list)) return undefined;
  const next = list["NextContinuationToken"];
  const truncated = list["IsTruncated"] === "true";
  if (truncated && typeof next !== "string") return undefined;
  return {
    keys: textsIn(list["Contents"], "Key"),
    prefixes: textsIn(list["CommonPrefixes"], "Prefix"),
    next: truncated && typeof next === "string" ? next : undefined,
  };
}

function textsIn(entries: unknown, name: string): string[] {
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry: unknown) => {
    const text = isTable(entry) ? entry[name] : undefined;
    return typeof text === "string" ? [text] : [];
  });
}
