// Lists the keys of a bucket, a page at a time, by ListObjectsV2.

import { XMLParser } from "fast-xml-parser";
import { encodeKey } from "../../url/grammar.ts";
import { isTable } from "../../worker/base/json.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { sign } from "../../worker/s3/sigv4.ts";
import { askS3, PATIENCE_S, type S3Answer } from "./ask-s3.ts";

export type Page = {
  readonly keys: readonly string[];
  /** With a delimiter: the beginnings of keys, up to it. */
  readonly prefixes: readonly string[];
  /** The token of the next page; undefined: this is the last one. */
  readonly next: string | undefined;
};

export type ListOptions = {
  readonly prefix: string;
  readonly delimiter?: "/";
  /** 1 to 1,000. */
  readonly most?: number;
  readonly next?: string | undefined;
};

// Keys are texts: never read as numbers, never trimmed.
const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  htmlEntities: true, // reads &#x1F600; and the like
  isArray: (name) => name === "Contents" || name === "CommonPrefixes",
});

/** The URL of a page. Its query has the one spelling that is signed (A2). */
function listUrl({ base }: Bucket, { prefix, delimiter, most = 1000, next }: ListOptions): string {
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
  return typeof page === "string" ? { ...answer, failure: page } : page;
}

/** @returns a text that says why it is not the list that was asked for */
function readPage(xml: string, prefix: string): Page | string {
  let read: unknown;
  try {
    read = parser.parse(xml, true);
  } catch {
    return "its answer is not a list"; // not XML, or cut off
  }
  const list = isTable(read) ? read["ListBucketResult"] : undefined;
  if (!isTable(list)) return "its answer is not a list";
  const { IsTruncated: truncated, NextContinuationToken: token } = list;
  if (truncated !== "true" && truncated !== "false") {
    return "its list does not say whether it is complete";
  }
  const next = truncated === "true" ? token : undefined;
  if (truncated === "true" && (typeof next !== "string" || next === "")) {
    return "its list is not complete, and has no token for the next page";
  }
  const keys = textsIn(list["Contents"], "Key");
  const prefixes = textsIn(list["CommonPrefixes"], "Prefix");
  if (keys === undefined || prefixes === undefined) return "its list has an entry without a key";
  const foreign = [...keys, ...prefixes].find((text) => !text.startsWith(prefix));
  if (foreign !== undefined) {
    return `its list has ${JSON.stringify(foreign)}, which does not begin with ${JSON.stringify(prefix)}`;
  }
  return { keys, prefixes, next: typeof next === "string" ? next : undefined };
}

function textsIn(entries: unknown, name: string): string[] | undefined {
  if (entries === undefined) return [];
  if (!Array.isArray(entries)) return undefined;
  const texts = entries.flatMap((entry: unknown) => {
    const text = isTable(entry) ? entry[name] : undefined;
    return typeof text === "string" ? [text] : [];
  });
  return texts.length === entries.length ? texts : undefined;
}
