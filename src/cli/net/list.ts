// What a bucket holds, as far as a key may list it.

import { XMLParser } from "fast-xml-parser";
import { encodeKey } from "../../url/grammar.ts";
import { isTable } from "../../worker/base/json.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { sign } from "../../worker/s3/sigv4.ts";
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
 * @returns what S3 said, where it gives no list: after a status of 200, `failure` says what is wrong with it
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

/** @returns why that is no list of what was asked for, where it is none */
function readPage(xml: string, prefix: string): Page | string {
  const read = parse(xml);
  const list = isTable(read) ? read["ListBucketResult"] : undefined;
  if (!isTable(list)) return "what it sends is no list";
  const truncated = list["IsTruncated"];
  if (truncated !== "true" && truncated !== "false") {
    return "its list does not say whether it is whole";
  }
  const next = truncated === "true" ? list["NextContinuationToken"] : undefined;
  if (truncated === "true" && (typeof next !== "string" || next === "")) {
    return "its list is not whole, and does not say how it goes on";
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

/** @returns undefined for what is no XML, or not all of it */
function parse(xml: string): unknown {
  try {
    return parser.parse(xml, true);
  } catch {
    return undefined;
  }
}

/** @returns undefined where an entry has none */
function textsIn(entries: unknown, name: string): string[] | undefined {
  if (entries === undefined) return [];
  if (!Array.isArray(entries)) return undefined;
  const texts = entries.flatMap((entry: unknown) => {
    const text = isTable(entry) ? entry[name] : undefined;
    return typeof text === "string" ? [text] : [];
  });
  return texts.length === entries.length ? texts : undefined;
}
