// The binding of an R2 bucket, as strict as the real one. What R2 does wrong is a switch.

import { createHash } from "node:crypto";
import { isUint8Array } from "node:util/types";
import { halfOf } from "../half-of.ts";
import { Words } from "../words.ts";
import { R2_FAULTS } from "./faults.ts";
import type { R2, R2Call, R2Fault, R2Found, R2FoundBody, R2Range, R2Stored } from "./types.ts";

const LONGEST_KEY = 1024; // bytes (A10)
const UPLOADED = new Date("2026-11-24T09:00:00Z");

/**
 * Creates a bucket.
 * @param objects the objects that it has at first, by their keys
 * @throws {TypeError} if an object is none
 * @example
 * const r2 = createR2({ "fig.jpg": { body: readFileSync("fig.jpg"), type: "image/jpeg" } });
 * const answer = await worker.fetch(request, { ...env, MEDIA_BUCKET: r2 });
 */
export function createR2(objects: Readonly<Record<string, R2Stored>> = {}): R2 {
  const stored = new Objects();
  for (const [key, object] of Object.entries(objects)) stored.set(key, object);
  const faults = new Words<R2Fault>("r2.faults", R2_FAULTS);
  const calls: R2Call[] = [];

  async function find(call: R2Call) {
    const { method, key } = call;
    calls.push(call);
    if (faults.has("throws")) {
      throw new Error(`${method}: We encountered an internal error. Please try again. (10001)`);
    }
    if (faults.has("stall")) await new Promise<never>(() => {});
    if (typeof key !== "string" || Buffer.byteLength(key) > LONGEST_KEY) {
      throw new Error(`${method}: The specified object name is not valid. (10020)`);
    }
    return stored.get(key);
  }

  return {
    objects: stored,
    faults,
    calls,
    async head(key) {
      const object = await find({ method: "head", key });
      return object === undefined ? null : foundOf(key, object, faults);
    },
    async get(key, options = {}) {
      const range = readRange(options);
      const object = await find({ method: "get", key, ...(range && { range }) });
      if (object === undefined) return null;
      const part = partOf(object, range);
      return withBody({ ...foundOf(key, object, faults), range: part }, object, faults);
    },
    put: notPlayed,
    delete: notPlayed,
    list: notPlayed,
    createMultipartUpload: notPlayed,
    resumeMultipartUpload: notPlayed,
  };
}

/** @throws if an option is not played */
function readRange({ range, ...others }: { readonly range?: object }): R2Call["range"] {
  if (range === undefined && Object.keys(others).length === 0) return undefined;
  const sides = Object.entries(range ?? {}).filter(
    ([name, value]) => /^(?:offset|length)$/.test(name) && typeof value === "number",
  );
  const count = Object.keys({ ...others, ...range }).length;
  if (sides.length > 0 && sides.length === count) return Object.fromEntries(sides);
  throw new TypeError("createR2: get plays only a range of an offset, a length or both");
}

/** The part that a range has of an object. @throws if it has no byte, as any range of an empty object */
function partOf({ body }: R2Stored, range: Partial<R2Range> | undefined): R2Range {
  const size = body.length;
  if (range === undefined) return { offset: 0, length: size };
  const { offset = 0, length = size - offset } = range;
  if (offset < 0 || offset >= size || length <= 0) {
    throw new Error("get: The requested range is not satisfiable (10039)");
  }
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
  throw new Error("createR2 plays only get and head; put objects into r2.objects");
}

function foundOf(key: string, object: R2Stored, faults: ReadonlySet<R2Fault>): R2Found {
  const { body, type, encoding, cacheControl, customMetadata = {}, uploaded = UPLOADED } = object;
  const etag = createHash("md5").update(body).digest("hex");
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
    range: { offset: 0, length: body.length },
    etag,
    httpEtag: `"${etag}"`,
    uploaded,
    httpMetadata,
    customMetadata,
    storageClass: "Standard",
    checksums: { toJSON: () => ({ md5: etag }) },
    writeHttpMetadata(headers) {
      if (type !== undefined) headers.set("content-type", type);
      if (encoding !== undefined) headers.set("content-encoding", encoding);
      if (cacheControl !== undefined) headers.set("cache-control", cacheControl);
    },
  };
}

function withBody(found: R2Found, { body }: R2Stored, faults: ReadonlySet<R2Fault>): R2FoundBody {
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
