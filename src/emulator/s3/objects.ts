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
  /** Left out: none. Then the edge caches the original for an hour (C1). */
  readonly cacheControl?: string;
  /** Its content-encoding. Left out: none. */
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

    const hint = body instanceof Promise ? ". The body is a Promise: await it" : "";
    throw new TypeError(
      `s3.objects: "${key}" is not { body: bytes, type: "image/jpeg" }, where bytes are a Buffer or Uint8Array${hint}`,
    );
  }
}

const LAST_MODIFIED = new Date("2026-11-24T09:00:00Z");

/** Answers with an object, or with a part of it (A14). */
export function sendObject(
  request: Request,
  object: Stored,
  faults: ReadonlySet<S3Fault>,
): Response | S3ErrorReply {
  const { body } = object;
  const etag = etagOf(object);

  const ifNoneMatch = request.headers.get("if-none-match");
  if (etag !== null && ifNoneMatch?.includes(`"${etag}"`)) {
    // A 304 has no metadata (A14).
    return new Response(null, { status: 304, headers: validatorsOf(object, etag) });
  }

  const headers = objectHeaders(object, etag);
  if (request.method === "HEAD") return new Response(null, { headers });

  const rangeHeader = faults.has("ignores-range") ? null : request.headers.get("range");
  const range = readRange(rangeHeader, body.length);
  if (range === undefined) return new Response(bodyOf(body, faults, request.signal), { headers });

  const rangeText = contentRange(range, body.length);
  if (!isSatisfiable(range, body.length)) {
    return { code: "InvalidRange", headers: { "content-range": rangeText } };
  }

  const part = body.slice(range.first, range.last + 1);
  headers.set("content-range", rangeText);
  headers.set("content-length", `${part.length}`);

  // The connection breaks after half of the object: a part before that comes whole.
  const isBeforeBreak = range.last < body.length / 2;
  const content = isBeforeBreak ? part : bodyOf(part, faults, request.signal);
  return new Response(content, { status: 206, headers });
}

/** The headers by which a later request can ask whether the object changed. */
function validatorsOf({ lastModified = LAST_MODIFIED }: Stored, etag: string | null): Headers {
  const headers = new Headers({
    "last-modified": lastModified.toUTCString(),
    server: "AmazonS3",
    ...REQUEST_IDS,
  });
  if (etag !== null) headers.set("etag", `"${etag}"`);
  return headers;
}

/** The headers of the whole object. */
function objectHeaders(object: Stored, etag: string | null): Headers {
  const { body, type, cacheControl, encoding, metadata = {} } = object;
  const headers = validatorsOf(object, etag);
  headers.set("content-type", type);
  headers.set("content-length", `${body.length}`);
  headers.set("accept-ranges", "bytes");
  headers.set("x-amz-server-side-encryption", "AES256");

  if (cacheControl !== undefined) headers.set("cache-control", cacheControl);
  if (encoding !== undefined) headers.set("content-encoding", encoding);
  for (const [name, value] of Object.entries(metadata)) headers.set(`x-amz-meta-${name}`, value);
  return headers;
}

function bodyOf(body: Uint8Array, faults: ReadonlySet<S3Fault>, signal: AbortSignal) {
  if (faults.has("cut-short")) return firstHalf(body, "error", signal);
  if (faults.has("stall-midway")) return firstHalf(body, "silence", signal);
  return body.slice();
}

/** The ETag without quotes. Null: the object has none. */
function etagOf({ etag, body }: Stored): string | null {
  if (etag !== undefined) return etag;
  return createHash("md5").update(body).digest("hex");
}

const MAX_LISTED = 1000;

/** Lists keys in byte order. With a delimiter, keys that share a prefix up to it are listed once. */
export function sendList(objects: ReadonlyMap<string, Stored>, query: URLSearchParams): Response {
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const names = listNames(objects, prefix, delimiter);

  const limit = Math.min(MAX_LISTED, Number(query.get("max-keys") ?? MAX_LISTED));
  const start = Number(query.get("continuation-token") ?? 0);
  const page = names.slice(start, start + limit);
  const next = start + page.length;
  const isTruncated = next < names.length;

  const isEncoded = query.get("encoding-type") === "url";
  const elements: string[] = [];
  if (isEncoded) elements.push("<EncodingType>url</EncodingType>");
  elements.push(`<KeyCount>${page.length}</KeyCount>`);
  elements.push(`<IsTruncated>${isTruncated}</IsTruncated>`);
  if (isTruncated) elements.push(`<NextContinuationToken>${next}</NextContinuationToken>`);
  for (const name of page) elements.push(listEntry(name, objects.get(name), isEncoded));

  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${elements.join("")}</ListBucketResult>`;
  return new Response(xml, { headers: { "content-type": "application/xml", ...REQUEST_IDS } });
}

/** The keys that begin with a prefix, and in place of those with the delimiter behind it, what they share. */
function listNames(
  objects: ReadonlyMap<string, Stored>,
  prefix: string,
  delimiter: string,
): readonly string[] {
  const names = new Set<string>();

  for (const key of objects.keys()) {
    if (!key.startsWith(prefix)) continue;

    const index = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    names.add(index < 0 ? key : key.slice(0, index + delimiter.length));
  }

  return [...names].sort(compareKeys);
}

/** @param object undefined: the name is what several keys share */
function listEntry(name: string, object: Stored | undefined, isEncoded: boolean): string {
  const spelt = isEncoded ? encodeName(name) : name;
  const text = escapeXml(spelt);
  if (object === undefined) return `<CommonPrefixes><Prefix>${text}</Prefix></CommonPrefixes>`;

  const etag = etagOf(object);
  const elements = [`<Key>${text}</Key>`];
  if (etag !== null) elements.push(`<ETag>${escapeXml(`"${etag}"`)}</ETag>`);
  elements.push(`<Size>${object.body.length}</Size>`);
  return `<Contents>${elements.join("")}</Contents>`;
}

/** Percent-encodes a key as AWS does in lists: a space becomes `+`, and slashes stay. */
function encodeName(name: string): string {
  return encodeURIComponent(name).replaceAll("%20", "+").replaceAll("%2F", "/");
}

/** Compares keys as buckets order them: by the bytes of their UTF-8. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
