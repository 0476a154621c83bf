// Answers with an object of the bucket (whole, a range of it, or 304, as the request's headers ask), or with a list of
// keys (ListObjectsV2).

import { createHash } from "node:crypto";
import { isUint8Array } from "node:util/types";
import { contentRange, firstHalf, isSatisfiable, readRange } from "../byte-range.ts";
import { escapeXml, REQUEST_IDS, type S3ErrorReply, type S3Fault } from "./faults.ts";

/**
 * An object of a bucket.
 * @example
 * s3.objects.set("fig.jpg", { body: readFileSync("fig.jpg"), type: "image/jpeg" });
 */
export type Stored = {
  readonly body: Uint8Array;
  /** Its content-type. */
  readonly type: string;
  /** Without quotes. Left out: the MD5 of the body. Null: the object has none. */
  readonly etag?: string | null;
  readonly cacheControl?: string;
  /** Its content-encoding. */
  readonly encoding?: string;
  /** What `x-amz-meta-…` headers say, by their names without that prefix. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Left out: when the emulator was written. */
  readonly lastModified?: Date;
};

/** Objects by their keys. `set` throws a TypeError for a value that is no object. */
export class Objects extends Map<string, Stored> {
  override set(key: string, object: Stored): this {
    if (key.startsWith("/")) {
      throw new TypeError(`s3.objects: "${key}" begins with a slash: no key does`);
    }
    const { body, type }: Partial<Stored> = Object(object);
    if (isUint8Array(body) && typeof type === "string") return super.set(key, object);
    const right = '{ body: bytes, type: "image/jpeg" }, where bytes are a Buffer or Uint8Array';
    const hint = body instanceof Promise ? ". The body is a Promise: await it" : "";
    throw new TypeError(`s3.objects: "${key}" is not ${right}${hint}`);
  }
}

const LAST_MODIFIED = new Date("2026-11-24T09:00:00Z");

/** Answers with an object, or with a part of it (A14). */
export function sendObject(
  request: Request,
  object: Stored,
  faults: ReadonlySet<S3Fault>,
): Response | S3ErrorReply {
  const { body, type, cacheControl, encoding, metadata = {}, lastModified } = object;
  const etag = etagOf(object);
  const headers = new Headers({
    "last-modified": (lastModified ?? LAST_MODIFIED).toUTCString(),
    server: "AmazonS3",
    ...REQUEST_IDS,
  });
  if (etag !== null) headers.set("etag", `"${etag}"`);
  if (etag !== null && request.headers.get("if-none-match")?.includes(`"${etag}"`)) {
    return new Response(null, { status: 304, headers }); // A14: a 304 has no metadata
  }
  headers.set("content-type", type);
  headers.set("content-length", `${body.length}`);
  headers.set("accept-ranges", "bytes");
  headers.set("x-amz-server-side-encryption", "AES256");
  if (cacheControl !== undefined) headers.set("cache-control", cacheControl);
  if (encoding !== undefined) headers.set("content-encoding", encoding);
  for (const [name, value] of Object.entries(metadata)) headers.set(`x-amz-meta-${name}`, value);
  if (request.method === "HEAD") return new Response(null, { headers });
  const rangeHeader = faults.has("ignores-range") ? null : request.headers.get("range");
  const range = readRange(rangeHeader, body.length);
  if (range === undefined) return new Response(bodyOf(body, faults, request.signal), { headers });
  const rangeHeaders = { "content-range": contentRange(range, body.length) };
  if (!isSatisfiable(range, body.length)) return { code: "InvalidRange", headers: rangeHeaders };
  headers.set("content-range", rangeHeaders["content-range"]);
  const part = body.slice(range.first, range.last + 1);
  headers.set("content-length", `${part.length}`);
  const isBeforeBreak = range.last < body.length / 2; // the connection breaks after half of the object
  const content = isBeforeBreak ? part : bodyOf(part, faults, request.signal);
  return new Response(content, { status: 206, headers });
}

function bodyOf(body: Uint8Array, faults: ReadonlySet<S3Fault>, signal: AbortSignal) {
  const fails = faults.has("cut-short");
  return fails || faults.has("stall-midway") ? firstHalf(body, fails, signal) : body.slice();
}

function etagOf({ etag, body }: Pick<Stored, "etag" | "body">): string | null {
  return etag === undefined ? createHash("md5").update(body).digest("hex") : etag;
}

const MAX_LISTED = 1000;

/** Lists keys in byte order. With a delimiter, keys that share a prefix up to it are listed once. */
export function sendList(objects: ReadonlyMap<string, Stored>, query: URLSearchParams): Response {
  const [prefix, delimiter] = [query.get("prefix") ?? "", query.get("delimiter") ?? ""];
  const limit = Math.min(MAX_LISTED, Number(query.get("max-keys") ?? MAX_LISTED));
  const names = [...objects.keys()]
    .filter((key) => key.startsWith(prefix))
    .map((key) => {
      const delimiterAt = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
      return delimiterAt < 0 ? key : key.slice(0, delimiterAt + delimiter.length);
    });
  const all = [...new Set(names)].sort(compareKeys);
  const offset = Number(query.get("continuation-token") ?? 0);
  const page = all.slice(offset, offset + limit);
  const isTruncated = offset + page.length < all.length;
  const isEncoded = query.get("encoding-type") === "url";
  const entries = page.map((name) => {
    const object = objects.get(name);
    const text = escapeXml(isEncoded ? encodeName(name) : name);
    if (object === undefined) return `<CommonPrefixes><Prefix>${text}</Prefix></CommonPrefixes>`;
    const etag = etagOf(object);
    const tag = etag === null ? "" : `<ETag>${escapeXml(`"${etag}"`)}</ETag>`;
    return `<Contents><Key>${text}</Key>${tag}<Size>${object.body.length}</Size></Contents>`;
  });
  const encoding = isEncoded ? "<EncodingType>url</EncodingType>" : "";
  const next = `<NextContinuationToken>${offset + page.length}</NextContinuationToken>`;
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${encoding}<KeyCount>${page.length}</KeyCount><IsTruncated>${isTruncated}</IsTruncated>${isTruncated ? next : ""}${entries.join("")}</ListBucketResult>`;
  return new Response(xml, { headers: { "content-type": "application/xml", ...REQUEST_IDS } });
}

/** Percent-encodes a key as AWS does in lists: a space becomes `+`, and slashes stay. */
function encodeName(name: string): string {
  return encodeURIComponent(name).replaceAll("%20", "+").replaceAll("%2F", "/");
}

/** Compares keys as buckets order them: by the bytes of their UTF-8. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
