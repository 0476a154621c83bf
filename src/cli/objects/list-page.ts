// Lists the keys of a bucket, a page at a time, by ListObjectsV2. What cannot be read exactly is a fault: a key that
// is read wrong is the key of another object.

import { XMLParser } from "fast-xml-parser";
import { encodeKey } from "../../url/grammar.ts";
import { isPlainObject } from "../../worker/base/json.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import { askS3, type S3Answer } from "../http/ask-s3.ts";

export type ListOptions = {
  readonly prefix: string;
  readonly delimiter?: "/";
  /** 1 to 1,000. */
  readonly most?: number;
  readonly next?: string | undefined;
};

/** An object, as a list tells it. */
export type Listed = {
  readonly key: string;
  /** Without quotes. */
  readonly etag?: string;
  readonly bytes?: number;
};

export type Page = {
  readonly objects: readonly Listed[];
  /** With a delimiter: the beginnings of keys, up to it. */
  readonly prefixes: readonly string[];
  /** The token of the next page; undefined: this is the last one. */
  readonly next: string | undefined;
};

/**
 * @param credentials undefined: as a stranger
 * @returns the answer of S3 if it is not a list; after a status of 200, `failure` says what is wrong
 */
export async function listPage(
  bucket: Bucket,
  credentials: Credentials | undefined,
  options: ListOptions,
  now: number,
): Promise<Page | S3Answer> {
  const url = listUrl(bucket, options);
  const headers = new Headers(credentials && (await sign(url, bucket.region, credentials, now)));
  const answer = await askS3(url, { headers }, now);
  if (answer.status !== 200 || answer.failure !== undefined) return answer;
  try {
    return readPage(answer.text, options.prefix);
  } catch (error) {
    if (error instanceof Unreadable) return { ...answer, failure: error.message };
    throw error;
  }
}

/** The URL of a page. Its query has the one spelling that is signed (A2). */
function listUrl({ base }: Bucket, { prefix, delimiter, most = 1000, next }: ListOptions): string {
  const parameters = {
    ...(next !== undefined && { "continuation-token": next }),
    ...(delimiter && { delimiter }),
    "encoding-type": "url", // else keys with control characters are lost, or the list fails
    "list-type": "2",
    "max-keys": `${most}`,
    prefix,
  };
  const query = Object.entries(parameters).map(([name, value]) => {
    return `${name}=${encodeKey(value).replaceAll("/", "%2F")}`;
  });
  return `${base}?${query.join("&")}`;
}

/** Why an answer is not the list that was asked for. It does not leave this file. */
class Unreadable extends Error {}

// Keys are texts: never read as numbers, never trimmed. The parser drops references to control characters,
// so it reads no references: `textOf` does. In CDATA there are none: no server writes any, and none is read.
const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  cdataPropName: "cdata",
  isArray: (name) => name === "Contents" || name === "CommonPrefixes",
});

type Element = Readonly<Record<string, unknown>>;

/** @throws Unreadable */
function readPage(xml: string, prefix: string): Page {
  const list = parseList(xml);
  const { IsTruncated: truncated, NextContinuationToken: token, EncodingType: encoding } = list;
  const isWhole = truncated === "false";
  if (!isWhole && (truncated !== "true" || typeof token !== "string" || token === "")) {
    throw new Unreadable("its list does not say whether it is complete, or how to go on");
  }
  const readNames = (elements: readonly Element[], field: "Key" | "Prefix") =>
    elements.map((element) => {
      const name = decodeName(textOf(element[field]), encoding);
      if (name.startsWith(prefix)) return name;
      const [found, start] = [JSON.stringify(name), JSON.stringify(prefix)];
      throw new Unreadable(`its list has ${found}, which does not begin with ${start}`);
    });
  const contents = elementsOf(list["Contents"]);
  const keys = readNames(contents, "Key");
  return {
    objects: keys.map((key, at) => ({ key, ...readDetails(contents[at] ?? {}) })),
    prefixes: readNames(elementsOf(list["CommonPrefixes"]), "Prefix"),
    next: isWhole ? undefined : textOf(token), // no server encodes it further
  };
}

function parseList(xml: string): Element {
  let document: unknown;
  try {
    document = parser.parse(xml, true);
  } catch {
    // not XML, or cut off
  }
  const list = isPlainObject(document) ? document["ListBucketResult"] : undefined;
  if (isPlainObject(list)) return list;
  throw new Unreadable("its answer is not a list");
}

function elementsOf(value: unknown = []): Element[] {
  const elements: unknown[] = Array.isArray(value) ? value : [value];
  return elements.map((element) => (isPlainObject(element) ? element : {}));
}

/**
 * Decodes a name: a space is `+` or `%20`, by provider; a plus is `%2B`. It was asked to be percent-encoded. Some
 * servers ignore that, and write U+FFFD in place of a character that XML cannot hold.
 */
function decodeName(text: string, encoding: unknown = ""): string {
  if (encoding === "" && !text.includes("\ufffd")) return text;
  try {
    if (encoding === "url") return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    // not percent-encoded
  }
  throw new Unreadable(`its list has the key ${JSON.stringify(text)}, which cannot be decoded`);
}

/** What else the list tells of an object. What is not there, or no size, is left out. */
function readDetails({ ETag: tag, Size: size }: Element): Omit<Listed, "key"> {
  const etag = typeof tag === "string" ? plainEtag(textOf(tag)) : "";
  const isSize = typeof size === "string" && /^\d{1,15}$/.test(size);
  return { ...(etag !== "" && { etag }), ...(isSize && { bytes: Number(size) }) };
}

/** An ETag without its quotes. Some proxies mark it as weak. */
export function plainEtag(etag: string): string {
  return etag.replace(/^(?:W\/)?"(.*)"$/, "$1");
}

const REFERENCE = /&(?:(amp|lt|gt|quot|apos)|#(\d{1,6})|#x([\da-fA-F]{1,5}));/g;
const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/** The text of an element, with its references: also those to control characters, which XML 1.0 does not allow. */
function textOf(element: unknown): string {
  if (typeof element !== "string") throw new Unreadable("its list has an entry without a key");
  if (element.replace(REFERENCE, "").includes("&")) {
    throw new Unreadable(`its list has the text ${JSON.stringify(element)}, which is not XML`);
  }
  return element.replace(REFERENCE, (_reference, name, decimal, hex) => {
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    return NAMED[name] ?? String.fromCodePoint(code);
  });
}
