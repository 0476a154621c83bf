// Lists the objects of a bucket by ListObjectsV2, with the S3 keys at hand. What cannot be read exactly is a fault:
// a key that is read wrong is the key of another object.

import { XMLParser } from "fast-xml-parser";
import { encodeKey } from "../../url/grammar.ts";
import { keyFault } from "../../url/key.ts";
import { isPlainObject } from "../../worker/base/json.ts";
import { mistakeText } from "../../worker/base/refusal.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Credentials, Slot } from "../../worker/config/slot.ts";
import { sign } from "../../worker/origin/sigv4.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { type Fault, say, type World } from "../command.ts";
import { type Project, slotsAtHand } from "../config/project.ts";
import { askS3, type S3Answer } from "../http/ask-s3.ts";
import { sleep } from "../http/retry.ts";
import { counted, createProgress } from "../terminal/progress.ts";
import type { Found } from "./object-name.ts";

/**
 * Lists objects, and says how many of them Vitrine cannot show.
 * @param prefixes one or more, all of one bucket, and without the bucket's own prefix
 * @param task what has to list: an option or a command
 * @param instead what to do if the key may not list
 * @returns those that Vitrine can show, by their keys without the bucket's prefix; a fault if there are none
 */
export async function listObjects(
  world: World,
  project: Project,
  prefixes: readonly [Found, ...Found[]],
  task: string,
  instead = "",
): Promise<ReadonlyMap<string, Listed> | Fault> {
  const [{ bucket }] = prefixes;
  const { usable } = slotsAtHand(project, bucket.name);
  if (usable.length === 0) {
    return { fault: whyNoKey(project, `${task} has to list`, bucket.name) + instead };
  }
  const objects = new Map<string, Listed>();
  let hidden = 0;
  const progress = createProgress(world, "objects listed");
  for (const prefix of prefixes) {
    for await (const page of pagesOf(world, usable, prefix)) {
      if (!("objects" in page)) {
        progress.end();
        return { fault: listingFault(page, bucket, instead) };
      }
      const shown = page.objects.filter(({ key }) => keyFault(key) === undefined);
      for (const object of shown) {
        const key = object.key.slice(bucket.prefix.length);
        objects.set(key, { ...object, key });
      }
      hidden += page.objects.length - shown.length;
      progress.step(shown.length);
    }
  }
  progress.end();
  if (hidden > 0) {
    say(world.stderr, `Left out: ${counted(hidden, "object")} with keys that Vitrine cannot show.`);
  }
  if (objects.size > 0) return objects;
  const beginnings = prefixes.map(({ key }) => JSON.stringify(bucket.prefix + key)).join(" or ");
  return { fault: `${bucket.name} has no object that begins with ${beginnings} and can be shown` };
}

/** How long to wait before S3 is asked again, if it is busy: ms. */
const DELAYS_MS = [1_000, 5_000];

/** Lists page by page, as the Worker opens objects: with the next slot if S3 refuses one. Ends with a bad answer. */
async function* pagesOf(
  { interrupted, now }: World,
  slots: readonly Slot[],
  { bucket, key }: Found,
): AsyncGenerator<Page | S3Answer> {
  const prefix = bucket.prefix + key;
  let [slot, ...others] = slots;
  let [delay, ...delays] = DELAYS_MS;
  let next: string | undefined;
  while (slot !== undefined && !interrupted.aborted) {
    const page = await listPage(bucket, slot.credentials, { prefix, next }, now());
    if ("objects" in page) {
      yield page;
      if (page.next === undefined) return;
      ({ next } = page);
      [delay, ...delays] = DELAYS_MS;
    } else if (delay !== undefined && (page.status === 429 || (page.status ?? 500) >= 500)) {
      await sleep(delay, interrupted);
      [delay, ...delays] = delays;
    } else if (others.length > 0 && verdictOf(page, bucket.region).fault === "slot") {
      [slot, ...others] = others;
    } else return yield page;
  }
}

/**
 * Why no slot can be used: no secret is at hand, or what is wrong with those that are.
 * @param task what has to be done with the bucket: `--prefix has to list`
 */
export function whyNoKey(project: Project, task: string, name: string): string {
  const bucket = project.config.buckets.find((one) => one.name === name);
  if (bucket?.r2 !== undefined) {
    return `${task} ${name}, an R2 binding, which only the deployed Worker can open. Add a bucket to wrangler.toml with R2's endpoint and a key that may read it: docs/engines.md`;
  }
  const mistakes = slotsAtHand(project, name).unusable.flatMap((slot) => slot.mistakes);
  const reason = mistakes.map(mistakeText).join("; ") || "there is no S3 key to do so";
  const role = bucket?.role === undefined ? "" : " (the role is the Worker's alone)";
  return `${task} ${name}, and ${reason}. Put the key into the environment or ${project.known.devVars}${role}`;
}

function listingFault(answer: S3Answer, { name, region }: Bucket, instead: string): string {
  const { status, code, failure } = answer;
  if (status === 200) return `${name} cannot be listed: its list cannot be read: ${failure}`;
  if (failure !== undefined) return `${name} cannot be listed: S3 does not answer: ${failure}`;
  const fault = `${name} cannot be listed: S3 says ${code ?? status}`;
  if (code === "AccessDenied") {
    return `${fault}: the key may not list it. Allow it s3:ListBucket on the bucket${instead}`;
  }
  const { reason } = { reason: undefined, ...verdictOf(answer, region) };
  return reason === undefined ? fault : `${fault}: ${reason}`;
}

/** `most`: 1 to 1,000. */
export type ListOptions = {
  readonly prefix: string;
  readonly delimiter?: "/";
  readonly most?: number;
  readonly next?: string | undefined;
};

/** An object, as a list tells it: the ETag is without quotes. */
export type Listed = { readonly key: string; readonly etag?: string; readonly bytes?: number };

type Page = {
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
    "continuation-token": next,
    delimiter,
    "encoding-type": "url", // else keys with control characters are lost, or the list fails
    "list-type": "2",
    "max-keys": `${most}`,
    prefix,
  };
  const query = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeKey(value).replaceAll("/", "%2F")}`],
  );
  return `${base}?${query.join("&")}`;
}

/** What cannot be read in a list. It does not leave this file. */
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
  const next = truncated === "true" ? textOf(token) : undefined; // no server encodes it further
  if (next === "" || (truncated !== "true" && truncated !== "false")) {
    throw new Unreadable("it does not say whether it is complete, or how to go on");
  }
  const nameIn = (text: unknown) => {
    const name = decodeName(textOf(text), encoding);
    if (name.startsWith(prefix)) return name;
    throw new Unreadable(`${JSON.stringify(name)} does not begin with ${JSON.stringify(prefix)}`);
  };
  return {
    objects: elementsOf(list["Contents"]).map((one) => ({
      key: nameIn(one["Key"]),
      ...readDetails(one),
    })),
    prefixes: elementsOf(list["CommonPrefixes"]).map((one) => nameIn(one["Prefix"])),
    next,
  };
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
  throw new Unreadable(`the key ${JSON.stringify(text)} cannot be decoded`);
}

/** What else the list tells of an object. What is not there, or no size, is left out. */
function readDetails({ ETag: tag, Size: size }: Element): Omit<Listed, "key"> {
  // Some proxies mark an ETag as weak.
  const etag = typeof tag === "string" && textOf(tag).replace(/^(?:W\/)?"(.*)"$/, "$1");
  const isSize = typeof size === "string" && /^\d{1,15}$/.test(size);
  return { ...(etag && { etag }), ...(isSize && { bytes: Number(size) }) };
}

const NAMED = new Map([
  ["&amp;", "&"],
  ["&lt;", "<"],
  ["&gt;", ">"],
  ["&quot;", '"'],
  ["&apos;", "'"],
]);

/** The text of an element, with its references: also those to control characters, which XML 1.0 does not allow. */
function textOf(element: unknown): string {
  if (typeof element !== "string") throw new Unreadable("an entry has no key");
  return element.replace(/&[^;]*;?/g, (reference) => {
    const [, decimal, hex] = /^&#(?:(\d{1,6})|x([\da-f]{1,5}));$/i.exec(reference) ?? [];
    const code = Number(decimal ?? `0x${hex}`);
    const text = NAMED.get(reference) ?? (Number.isNaN(code) ? "" : String.fromCodePoint(code));
    if (text !== "") return text;
    throw new Unreadable(`the text ${JSON.stringify(element)} is not XML`);
  });
}
