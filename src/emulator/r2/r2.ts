// The binding of an R2 bucket, as strict as the real one. What R2 does wrong is a switch.

import { createHash } from "node:crypto";
import { isUint8Array } from "node:util/types";
import { halfOf } from "../body.ts";
import { Words } from "../check.ts";
import { compareKeys } from "../s3/list-objects.ts";
import { R2_FAULTS, r2Error } from "./faults.ts";
import type { Conditional, GetOptions, ListOptions, PutOptions, Value } from "./options.ts";
import { bytesOf, isMet, readMetadata, readRange, refuseOthers } from "./options.ts";
import type { R2Call, R2Fault, R2Found, R2FoundBody, R2Range, R2Stored } from "./types.ts";

const MAX_KEY_LENGTH = 1024; // bytes (A10, T3)
const MAX_KEYS = 1000; // of one list, and of one delete (T4)
/** With metadata a list may be shorter than its limit (T4): that of miniflare has at most this many. */
const MAX_WITH_METADATA = 100;
const WRITE_INTERVAL_MS = 1000; // of one key (T3)
const UPLOADED = new Date("2026-11-24T09:00:00Z");

/**
 * The binding of an R2 bucket.
 * @example
 * const env = { MEDIA_BUCKET: createR2() satisfies R2 };
 */
export type R2 = ReturnType<typeof createR2>;

/**
 * Creates a bucket.
 * @param objects the objects that it has at first, by their keys
 * @param settings `now` is the clock: ms since 1970. `limitsWrites` says what counts as a write, of which a key
 *   takes one a second (T3)
 * @throws {TypeError} if an object is none
 * @example
 * const r2 = createR2({ "fig.jpg": { body: readFileSync("fig.jpg"), type: "image/jpeg" } });
 * const answer = await worker.fetch(request, { ...env, MEDIA_BUCKET: r2 });
 */
export function createR2(
  objects: Readonly<Record<string, R2Stored>> = {},
  settings: { now?: () => number; limitsWrites?: readonly ("put" | "delete")[] } = {},
) {
  const { now = Date.now, limitsWrites = [] } = settings;
  const stored: Map<string, R2Stored> = new Objects();
  for (const [key, object] of Object.entries(objects)) stored.set(key, object);
  const faults: Set<R2Fault> = new Words("r2.faults", R2_FAULTS);
  const calls: R2Call[] = [];
  const writes = new Map<string, number>();

  /** Notes a call, and throws or never ends where a fault says so, or a key is none. */
  async function begin(call: R2Call): Promise<void> {
    const { method, key } = call;
    calls.push(call);
    if (faults.has("gone")) throw r2Error(method, "bucket");
    if (faults.has("throws") || faults.has(`throws-${method}`)) throw r2Error(method, "internal");
    if (faults.has("busy") && method === "put") throw r2Error(method, "busy");
    if (faults.has("stall") || faults.has(`stall-${method}`)) await new Promise<never>(() => {});
    for (const name of method === "list" ? [] : [key].flat()) {
      const isKey = typeof name === "string" && Buffer.byteLength(name) <= MAX_KEY_LENGTH;
      if (!isKey) throw r2Error(method, "key");
    }
  }

  /** Counts a write of keys. @throws if one of them was written less than a second ago (T3) */
  function countWrite(method: "put" | "delete", keys: readonly string[]): void {
    if (!limitsWrites.includes(method)) return;
    const since = now() - WRITE_INTERVAL_MS;
    if (keys.some((key) => (writes.get(key) ?? since) > since)) throw r2Error(method, "busy");
    for (const key of keys) writes.set(key, now());
  }

  function get(
    key: string,
    options: GetOptions & Conditional,
  ): Promise<R2FoundBody | R2Found | null>;
  function get(key: string, options?: GetOptions): Promise<R2FoundBody | null>;
  async function get(key: string, options: GetOptions = {}) {
    refuseOthers("get", options, ["range", "onlyIf"]);
    const range = readRange(options);
    await begin({ method: "get", key, ...(range && { range }) });
    const object = stored.get(key);
    const met = isMet(options, object && etagOf(object));
    if (object === undefined) return null;
    const found = foundOf(key, object, faults);
    if (!met) return { ...found, range: partOf(object) };
    return withBody({ ...found, range: partOf(object, range) }, object, faults);
  }

  function put(
    key: string,
    value: Value,
    options: PutOptions & Conditional,
  ): Promise<R2Found | null>;
  function put(key: string, value: Value, options?: PutOptions): Promise<R2Found>;
  async function put(key: string, value: Value, options: PutOptions = {}) {
    const copied = bytesOf(value);
    await begin({ method: "put", key });
    const metadata = readMetadata(options);
    const object = { ...metadata, body: new Uint8Array(await copied), uploaded: new Date(now()) };
    const before = stored.get(key);
    if (!isMet(options, before && etagOf(before))) return null;
    countWrite("put", [key]);
    stored.set(key, object);
    return foundOf(key, object, faults);
  }

  return {
    /** May be changed at any time. */
    objects: stored,
    faults,
    /** All calls, in order. */
    calls,
    async head(key: string): Promise<R2Found | null> {
      await begin({ method: "head", key });
      const object = stored.get(key);
      return object ? { ...foundOf(key, object, faults), range: partOf(object) } : null;
    },
    get,
    put,
    async delete(given: string | string[]): Promise<void> {
      await begin({ method: "delete", key: given });
      const keys = [given].flat();
      if (keys.length < 1 || keys.length > MAX_KEYS) throw r2Error("delete", "keys");
      countWrite("delete", keys);
      for (const key of keys) stored.delete(key);
    },
    async list({
      prefix = "",
      limit = MAX_KEYS,
      cursor,
      include = [],
      ...others
    }: ListOptions = {}) {
      refuseOthers("list", others, ["prefix", "limit", "cursor", "include"]);
      await begin({ method: "list", key: prefix });
      if (!(limit >= 1 && limit <= MAX_KEYS)) throw r2Error("list", "limit");
      const last = cursor && Buffer.from(cursor, "base64").toString();
      const left = [...stored]
        .filter(([key]) => key.startsWith(prefix) && (!last || compareKeys(key, last) > 0))
        .toSorted(([one], [other]) => compareKeys(one, other));
      const page = left.slice(0, include.length > 0 ? Math.min(limit, MAX_WITH_METADATA) : limit);
      const [end = ""] = page.at(-1) ?? [];
      return {
        objects: page.map(([key, object]) => foundOf(key, object, faults, include)),
        delimitedPrefixes: [],
        ...(page.length < left.length
          ? ({ truncated: true, cursor: Buffer.from(end).toString("base64") } as const)
          : ({ truncated: false } as const)),
      };
    },
    createMultipartUpload: notPlayed,
    resumeMultipartUpload: notPlayed,
  };
}

/** The part that a range has of an object. @throws if it has no byte, as any range of an empty object */
function partOf({ body }: R2Stored, range?: Partial<R2Range>): R2Range {
  const size = body.length;
  if (range === undefined) return { offset: 0, length: size };
  const { offset = 0, length = size - offset } = range;
  if (offset < 0 || offset >= size || length <= 0) throw r2Error("get", "range");
  return { offset, length: Math.min(length, size - offset) };
}

/** Objects by their keys. */
class Objects extends Map<string, R2Stored> {
  override set(key: string, object: R2Stored): this {
    const { body }: Partial<R2Stored> = Object(object);
    if (isUint8Array(body)) return super.set(key, object);
    const right = '{ body: bytes, type: "image/jpeg" }, where bytes are a Buffer or Uint8Array';
    throw new TypeError(`r2.objects: "${key}" is not ${right}`);
  }
}

function notPlayed(): never {
  throw new Error("createR2 plays no multipart upload");
}

const etagOf = ({ body }: R2Stored): string => createHash("md5").update(body).digest("hex");

function foundOf(
  key: string,
  object: R2Stored,
  faults: ReadonlySet<R2Fault>,
  include = ["httpMetadata", "customMetadata"],
): R2Found {
  const shown: Partial<R2Stored> = include.includes("httpMetadata") ? object : {};
  const { type, encoding, cacheControl } = shown;
  const { body, uploaded = UPLOADED } = object;
  const etag = etagOf(object);
  const factor = faults.has("says-less") ? 0.5 : faults.has("says-more") ? 2 : 1;
  const httpMetadata = {
    ...(type !== undefined && { contentType: type }),
    ...(encoding !== undefined && { contentEncoding: encoding }),
    ...(cacheControl !== undefined && { cacheControl }),
  };
  return {
    key,
    version: etag,
    size: Math.floor(body.length * factor),
    etag,
    httpEtag: `"${etag}"`,
    uploaded,
    httpMetadata,
    customMetadata: (include.includes("customMetadata") && object.customMetadata) || {},
    storageClass: "Standard",
    checksums: { toJSON: () => ({ md5: etag }) },
    writeHttpMetadata(headers) {
      if (type !== undefined) headers.set("content-type", type);
      if (encoding !== undefined) headers.set("content-encoding", encoding);
      if (cacheControl !== undefined) headers.set("cache-control", cacheControl);
    },
  };
}

function withBody(
  found: R2Found & { readonly range: R2Range },
  { body }: R2Stored,
  faults: ReadonlySet<R2Fault>,
): R2FoundBody {
  const { offset, length } = found.range;
  const part = body.slice(offset, offset + length);
  const breaks = faults.has("cut-short");
  const isBroken = (breaks || faults.has("stall-midway")) && offset + length > body.length / 2;
  const content = isBroken ? halfOf(part, breaks) : streamOf(part);
  const response = new Response(content);
  return {
    ...found,
    body: content,
    get bodyUsed() {
      return response.bodyUsed;
    },
    arrayBuffer: () => response.arrayBuffer(),
    bytes: () => response.bytes(),
    text: () => response.text(),
    json: () => response.json(),
    blob: () => response.blob(),
  };
}

const streamOf = (bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> =>
  new Blob([bytes]).stream();
