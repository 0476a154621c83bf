// Lists the keys of a bucket, a page at a time, by ListObjectsV2. What cannot be read exactly is a fault: a key that
// is read wrong is the key of another object.

import { XMLParser } from "fast-xml-parser";
import { encodeKey } from "../../url/encoding.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import { isPlainObject } from "../../worker/util/json.ts";
import { requestS3, type S3RequestResult } from "../http/ask-s3.ts";

/** `maxKeys`: 1 to 1,000. */
export type ListOptions = {
  readonly prefix: string;
  readonly maxKeys?: number;
  readonly next?: string | undefined;
  /** How long the headers may take, and each part of the body: s. By default 10. */
  readonly timeoutS?: number;
};

/** An object of a list: the ETag is without quotes. */
export type Listed = { readonly key: string; readonly etag?: string; readonly bytes?: number };

export type Page = {
  readonly kind: "page";
  readonly objects: readonly Listed[];
  /** The token of the next page; undefined: this is the last one. */
  readonly next: string | undefined;
};

/** What S3 answered in place of a list. If its status is 200, its `failure` says why it is no list. */
export type NoPage = { readonly kind: "no-page"; readonly answer: S3RequestResult };

/** @param credentials undefined: as a stranger */
export async function listPage(
  bucket: Pick<Bucket, "baseUrl" | "region">,
  credentials: Credentials | undefined,
  options: ListOptions,
  now: number,
): Promise<Page | NoPage> {
  const url = listUrl(bucket, options);
  const signed = credentials && (await sign(url, bucket.region, credentials, now));
  const { timeoutS } = options;
  const answer = await requestS3(url, { headers: new Headers(signed), timeoutS }, now);
  if (answer.status !== 200 || answer.failure !== undefined) return { kind: "no-page", answer };

  try {
    return readPage(answer.text, options.prefix);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { kind: "no-page", answer: { ...answer, failure: error.message } };
  }
}

/** The URL of a page. Its query has the one spelling that is signed (A2). */
function listUrl({ baseUrl }: Pick<Bucket, "baseUrl">, options: ListOptions): string {
  const { prefix, maxKeys = 1000, next } = options;
  const parameters = {
    "continuation-token": next,
    // Else keys with control characters are lost, or the list fails.
    "encoding-type": "url",
    "list-type": "2",
    "max-keys": `${maxKeys}`,
    prefix,
  };

  const query: string[] = [];
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    query.push(`${name}=${encodeKey(value).replaceAll("/", "%2F")}`);
  }
  return `${baseUrl}?${query.join("&")}`;
}

/** The error for a list that cannot be parsed. It does not leave this file. */
class Unreadable extends Error {}

// Keys are texts: never read as numbers, never trimmed. The parser would drop references to control
// characters, so `textOf` reads all references. CDATA has no references: no server writes CDATA, and it is not read.
const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  cdataPropName: "cdata",
  isArray: (name) => name === "Contents",
});

type Element = Readonly<Record<string, unknown>>;

/** @throws Unreadable */
function readPage(xml: string, prefix: string): Page {
  const list = parseList(xml);
  const next = readNext(list);

  const objects: Listed[] = [];
  for (const element of elementsOf(list["Contents"])) {
    const text = textOf(element["Key"], "Key");
    const key = decodeName(text, list["EncodingType"]);
    if (!key.startsWith(prefix)) {
      throw new Unreadable(`${JSON.stringify(key)} does not begin with ${JSON.stringify(prefix)}`);
    }
    objects.push({ key, ...readDetails(element) });
  }
  return { kind: "page", objects, next };
}

/** Returns the token of the next page, which no server encodes further; undefined: the list is complete. */
function readNext({ IsTruncated: truncated, NextContinuationToken: token }: Element) {
  if (truncated === "false") return undefined;

  const hasToken = token !== undefined && token !== "";
  if (truncated !== "true" || !hasToken) {
    throw new Unreadable("it does not say whether it is complete, or how to go on");
  }
  return textOf(token, "NextContinuationToken");
}

function parseList(xml: string): Element {
  try {
    const document: unknown = parser.parse(xml, true);
    const list = isPlainObject(document) ? document["ListBucketResult"] : undefined;
    if (isPlainObject(list)) return list;
  } catch {
    // not XML, or cut off
  }
  throw new Unreadable("it is not a list");
}

function elementsOf(value: unknown): Element[] {
  const elements: unknown[] = Array.isArray(value) ? value : [];
  return elements.map((element) => (isPlainObject(element) ? element : {}));
}

/**
 * Decodes a name: a space is `+` or `%20`, by provider; a plus is `%2B`. Some servers ignore `encoding-type`, and write
 * U+FFFD in place of a character that XML cannot hold.
 */
function decodeName(text: string, encoding: unknown = ""): string {
  if (encoding === "" && !text.includes("\ufffd")) return text;
  try {
    if (encoding === "url") return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    // not percent-encoded
  }
  throw new Unreadable(`the key ${JSON.stringify(text)} cannot be decoded`);
}

/** The ETag and the size of an object, if the list has them. */
function readDetails({ ETag: tag, Size: size }: Element): Omit<Listed, "key"> {
  // Some proxies mark an ETag as weak.
  const etag = typeof tag === "string" && textOf(tag, "ETag").replace(/^(?:W\/)?"(.*)"$/, "$1");
  const isSize = typeof size === "string" && /^\d{1,15}$/.test(size);
  return { ...(etag && { etag }), ...(isSize && { bytes: Number(size) }) };
}

const NAMED = new Map(Object.entries({ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }));

/**
 * The text of an element, with its references: also those to control characters, which XML 1.0 does not allow.
 * @param name of the element, as `Key`
 */
function textOf(element: unknown, name: string): string {
  if (typeof element !== "string") throw new Unreadable(`${name} is missing, or no text`);

  return element.replace(/&[^;]*;?/g, (reference) => {
    const text = readReference(reference);
    if (text !== undefined) return text;
    throw new Unreadable(`the text ${JSON.stringify(element)} is not XML`);
  });
}

/** `&#9;`, `&#x9;` or `&amp;`. */
const REFERENCE = /^&(?:#(?<decimal>\d{1,6})|#x(?<hex>[\da-f]{1,5})|(?<name>\w+));$/i;

/** The character that a reference stands for; undefined: it is none that is known. */
function readReference(reference: string): string | undefined {
  const groups = REFERENCE.exec(reference)?.groups;
  const decimal = groups?.["decimal"];
  if (decimal !== undefined) return String.fromCodePoint(Number(decimal));

  const hexDigits = groups?.["hex"];
  if (hexDigits !== undefined) return String.fromCodePoint(Number.parseInt(hexDigits, 16));

  const name = groups?.["name"];
  return name === undefined ? undefined : NAMED.get(name);
}
