// Lists the keys of a bucket, a page at a time, by ListObjectsV2. What cannot be read exactly is a fault: a key that
// is read wrong is the key of another object.

import { XMLParser } from "fast-xml-parser";
import { encodeKey } from "../../url/grammar.ts";
import { isPlainObject } from "../../worker/base/json.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Credentials } from "../../worker/config/slot.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import { askS3, PATIENCE_S, type S3Answer } from "../http/ask-s3.ts";

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

/** Why an answer is not the list that was asked for. */
type Wrong = { readonly wrong: string };

// Keys are texts: never read as numbers, never trimmed. The parser drops references to control characters,
// so it reads no references: `unescapeXml` does. In CDATA there are none: no server writes any, and none is read.
const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  cdataPropName: "cdata",
  isArray: (name) => name === "Contents" || name === "CommonPrefixes",
});

/**
 * Reads a page of a list.
 * @param xml the whole answer of S3
 * @param prefix what was asked for: a name that does not begin with it is a fault
 */
export function readPage(xml: string, prefix: string): Page | Wrong {
  const list = parseList(xml);
  if (list === undefined) return { wrong: "its answer is not a list" };
  const next = readToken(list);
  if (isWrong(next)) return next;
  const encodes = readEncoding(list);
  if (isWrong(encodes)) return encodes;
  const contents = list["Contents"];
  const keys = namesIn(contents, "Key", encodes);
  if (isWrong(keys)) return keys;
  const prefixes = namesIn(list["CommonPrefixes"], "Prefix", encodes);
  if (isWrong(prefixes)) return prefixes;
  const foreign = [...keys, ...prefixes].find((name) => !name.startsWith(prefix));
  const details = detailsIn(contents);
  const objects = keys.map((key, at) => ({ key, ...details[at] }));
  if (foreign === undefined) return { objects, prefixes, next };
  const [found, asked] = [JSON.stringify(foreign), JSON.stringify(prefix)];
  return { wrong: `its list has ${found}, which does not begin with ${asked}` };
}

function isWrong<T>(read: T | Wrong): read is Wrong {
  return isPlainObject(read) && "wrong" in read;
}

function parseList(xml: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const read: unknown = parser.parse(xml, true);
    const list = isPlainObject(read) ? read["ListBucketResult"] : undefined;
    return isPlainObject(list) ? list : undefined;
  } catch {
    return undefined; // not XML, or cut off
  }
}

/** Reads the token of the next page. No server encodes it further. */
function readToken(list: Readonly<Record<string, unknown>>): string | undefined | Wrong {
  const { IsTruncated: truncated, NextContinuationToken: token } = list;
  if (truncated === "false") return undefined;
  if (truncated !== "true") return { wrong: "its list does not say whether it is complete" };
  if (typeof token === "string" && token !== "") return unescapeXml(token);
  return { wrong: "its list is not complete, and has no token for the next page" };
}

/** Reads whether names are percent-encoded, as it was asked for. Some servers ignore that. */
function readEncoding({ EncodingType: said }: Readonly<Record<string, unknown>>): boolean | Wrong {
  if (said === undefined || said === "") return false;
  return said === "url" || { wrong: `its list has the unknown encoding ${JSON.stringify(said)}` };
}

function namesIn(entries: unknown = [], element: string, encodes: boolean): string[] | Wrong {
  const names: string[] = [];
  for (const entry of Array.isArray(entries) ? entries : [entries]) {
    const text = isPlainObject(entry) ? entry[element] : undefined;
    if (typeof text !== "string") return { wrong: "its list has an entry without a key" };
    const plain = unescapeXml(text);
    if (isWrong(plain)) return plain;
    const name = encodes ? decodeName(plain) : plain;
    if (isWrong(name)) return name;
    if (!encodes && name.includes(REPLACED)) return { wrong: UNCLEAR };
    names.push(name);
  }
  return names;
}

/** What else the list tells of each object. What cannot be read is left out. */
function detailsIn(contents: unknown = []): Omit<Listed, "key">[] {
  const entries = Array.isArray(contents) ? contents : [contents];
  return entries.map((entry) => {
    const { ETag: etag, Size: size } = isPlainObject(entry) ? entry : {};
    const tag = typeof etag === "string" ? unescapeXml(etag) : "";
    const plain = isWrong(tag) ? "" : plainEtag(tag);
    const isSize = typeof size === "string" && /^\d{1,15}$/.test(size);
    return { ...(plain !== "" && { etag: plain }), ...(isSize && { bytes: Number(size) }) };
  });
}

/** An ETag without its quotes. Some proxies mark it as weak. */
export function plainEtag(etag: string): string {
  return etag.replace(/^(?:W\/)?"(.*)"$/, "$1");
}

/** What some servers write in place of a character that XML cannot hold. */
const REPLACED = "\ufffd";
const UNCLEAR = "its list has a key with a character that XML cannot hold, and does not encode it";

/** Decodes a name. A space is `+` or `%20`, by provider; a plus is `%2B`. */
function decodeName(text: string): string | Wrong {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    const found = JSON.stringify(text);
    return { wrong: `its list has the key ${found}, which is not percent-encoded UTF-8` };
  }
}

const REFERENCE = /&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([\da-fA-F]{1,6}));/g;
const NAMED = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);
const LAST_CHARACTER = 0x10ffff;

/** Reads the references of XML, also those to control characters, which XML 1.0 does not allow. */
function unescapeXml(text: string): string | Wrong {
  let isXml = !text.replace(REFERENCE, "").includes("&");
  const plain = text.replace(REFERENCE, (found, name, decimal, hex) => {
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    if (code > LAST_CHARACTER) isXml = false;
    return NAMED.get(name) ?? (code > LAST_CHARACTER ? found : String.fromCodePoint(code));
  });
  return isXml
    ? plain
    : { wrong: `its list has the text ${JSON.stringify(text)}, which is not XML` };
}
