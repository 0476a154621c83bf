// The binding of an R2 bucket, for tests that see it fail: objects in a map, and faults that a test sets. Without a fault it
// answers as the real binding does. What it does not implement throws. Codes such as T3 are rules of docs/rules.md.

import { createHash } from "node:crypto";
import { isArrayBuffer } from "node:util/types";
import type * as Workers from "@cloudflare/workers-types";
import { firstHalf } from "../byte-range.ts";
import { call, checkSettings, isRecord, listOf, NameSet, oneOf, optional } from "../check.ts";
import { compareKeys } from "../s3/objects.ts";

/** What R2 can be made to do wrong, in the words of docs/emulator.md. */
export const R2_FAULTS = {
  throws: "all its methods throw",
  "throws-head": "its method head throws",
  "throws-get": "its method get throws",
  "throws-put": "its method put throws",
  "throws-delete": "its method delete throws",
  "throws-list": "its method list throws",
  stall: "its methods never end",
  "stall-head": "its method head never ends",
  "stall-get": "its method get never ends",
  "stall-put": "its method put never ends",
  "stall-delete": "its method delete never ends",
  "stall-list": "its method list never ends",
  "stall-midway": "only half of a body comes",
  busy: "a put throws, as one write too many for its key (T3)",
  gone: "the bucket was deleted: all methods throw",
  "cut-short": "the body breaks off after half of the object",
  "says-less": "the `size` is half of what it is",
  "says-more": "the `size` is twice what it is",
};

/**
 * What an R2 bucket can be made to do wrong.
 * @example
 * r2.faults.add("throws" satisfies R2Fault);
 */
export type R2Fault = keyof typeof R2_FAULTS;

/** What the binding throws, by the numbers of R2's errors. */
const ERRORS = {
  10001: "We encountered an internal error. Please try again.",
  10006: "The specified bucket does not exist.",
  10012: "Your metadata headers exceed the maximum allowed metadata size.",
  10020: "The specified object name is not valid.",
  10022: "MaxKeys params must be positive integer <= 1000.",
  10027: "The number of keys in the request must be between 1 and 1000 inclusive.",
  10039: "The requested range is not satisfiable",
  10058: "Reduce your concurrent request rate for the same object.",
};

/**
 * An object of a bucket.
 * @example
 * r2.objects.set("fig.jpg", { body: readFileSync("fig.jpg"), type: "image/jpeg" });
 */
export type R2Stored = {
  readonly body: Uint8Array;
  /** Its content-type. Left out: the object has none. */
  readonly type?: string;
  /** Its content-encoding. */
  readonly encoding?: string;
  readonly customMetadata?: Record<string, string>;
  /** Left out: a fixed date. */
  readonly uploaded?: Date;
};

/** A call of an R2 bucket. */
export type R2Call = {
  readonly method: "head" | "get" | "put" | "delete" | "list";
  /** Of `list`, the prefix. Of `delete`, perhaps several keys. */
  readonly key: string | readonly string[];
  /** In bytes. Left out: the whole object. */
  readonly range?: R2Range | Headers;
};

/**
 * The binding of an R2 bucket.
 * @example
 * const env = { MEDIA_BUCKET: createR2() satisfies R2 };
 */
export type R2 = Workers.R2Bucket & {
  /** May be changed at any time. */
  readonly objects: Map<string, R2Stored>;
  readonly faults: Set<R2Fault>;
  /** All calls, in order. */
  readonly calls: R2Call[];
};

/** The longest key (A10, T3). */
const MAX_KEY_BYTES = 1024;

/** All custom metadata of an object together (T3). */
const MAX_METADATA_BYTES = 8192;

/** Keys of one list, and of one delete (T4). */
const MAX_KEYS = 1000;

/** A key takes one write in this time (T3). */
const WRITE_INTERVAL_MS = 1000;

const UPLOADED = new Date("2026-11-24T09:00:00Z");

/** The options that are implemented: those of calls, and those inside of them, such as `etagMatches` of `onlyIf`. */
const SUPPORTED_OPTIONS = [
  "range",
  "offset",
  "length",
  "onlyIf",
  "etagMatches",
  "etagDoesNotMatch",
  "httpMetadata",
  "contentType",
  "customMetadata",
  "prefix",
  "limit",
  "cursor",
];

const SETTINGS = {
  now: optional(call<() => number>()),
  limitsWrites: optional(listOf("put and delete", oneOf("put", "delete").test)),
};

type OnlyIf = { onlyIf: R2Conditional | Headers };
type Value = Parameters<R2Bucket["put"]>[1];
type Written = Promise<R2Object | null>;
type Range = { readonly offset: number; readonly length: number };

type R2Settings = {
  /** ms since 1970. Left out: the clock of this machine. */
  now?: () => number;
  /**
   * Which calls count as writes, of which a key takes one a second. Whether a deletion counts has not been measured (T3). Left
   * out: none, so no write is refused.
   */
  limitsWrites?: readonly ("put" | "delete")[];
};

/** All that a bucket has. */
type BucketState = Required<R2Settings> & {
  readonly objects: Map<string, R2Stored>;
  readonly faults: ReadonlySet<R2Fault>;
  readonly calls: R2Call[];
  /** When each key was last written, in ms since 1970. */
  readonly writes: Map<string, number>;
};

/**
 * Creates a bucket.
 * @param objects the objects that it has at first, by their keys
 * @param settings its clock, and what counts as a write
 * @throws {TypeError} if a setting is wrong or unknown
 * @example
 * const r2 = createR2({ "fig.jpg": { body: readFileSync("fig.jpg"), type: "image/jpeg" } });
 * const answer = await worker.fetch(request, { ...env, MEDIA_BUCKET: r2 });
 */
export function createR2(
  objects: Readonly<Record<string, R2Stored>> = {},
  settings: R2Settings = {},
): R2 {
  checkSettings("createR2", settings, SETTINGS);
  const { now = Date.now, limitsWrites = [] } = settings;
  const faults = new NameSet<R2Fault>("r2.faults", R2_FAULTS);
  const state: BucketState = {
    now,
    limitsWrites,
    objects: new Map(Object.entries(objects)),
    faults,
    calls: [],
    writes: new Map(),
  };

  function get(
    key: string,
    options: R2GetOptions & OnlyIf,
  ): Promise<R2ObjectBody | R2Object | null>;
  function get(key: string, options?: R2GetOptions): Promise<R2ObjectBody | null>;
  function get(key: string, options?: R2GetOptions) {
    return getObject(state, key, options);
  }

  function put(key: string, value: Value, options: R2PutOptions & OnlyIf): Written;
  function put(key: string, value: Value, options?: R2PutOptions): Promise<R2Object>;
  function put(key: string, value: Value, options?: R2PutOptions): Written {
    return putObject(state, key, value, options);
  }

  return {
    objects: state.objects,
    faults,
    calls: state.calls,
    head: (key) => headObject(state, key),
    get,
    put,
    delete: (keyOrKeys) => deleteObjects(state, keyOrKeys),
    list: (options) => listObjects(state, options),
    createMultipartUpload: throwUnsupported,
    resumeMultipartUpload: throwUnsupported,
  };
}

async function headObject(state: BucketState, key: string): Promise<R2Object | null> {
  await recordCall(state, { method: "head", key });
  const object = state.objects.get(key);
  if (object === undefined) return null;

  return { ...describe(key, object, state.faults), range: resolveRange(object) };
}

async function getObject(state: BucketState, key: string, options: R2GetOptions = {}) {
  checkSupported("get", options);
  const { range, onlyIf } = options;
  await recordCall(state, { method: "get", key, ...(range && { range }) });
  const object = state.objects.get(key);
  if (object === undefined) return null;

  const description = describe(key, object, state.faults);
  if (!holds(onlyIf, object)) return { ...description, range: resolveRange(object) };

  const part = { ...description, range: resolveRange(object, range) };
  return withBody(part, object, state.faults);
}

async function putObject(
  state: BucketState,
  key: string,
  value: Value,
  options: R2PutOptions = {},
): Written {
  // The bytes are those of the moment of the call, whatever the caller does with its buffer afterwards.
  const copied = copyBytes(value);
  checkSupported("put", options);
  await recordCall(state, { method: "put", key });

  const { onlyIf, httpMetadata, customMetadata = {} } = options;
  const { contentType: type }: R2HTTPMetadata = { ...httpMetadata };
  const metadata = Object.entries(customMetadata).flat().join("");
  if (Buffer.byteLength(metadata) > MAX_METADATA_BYTES) throw r2Error("put", 10012);

  const object: R2Stored = {
    body: new Uint8Array(await copied),
    uploaded: new Date(state.now()),
    customMetadata: { ...customMetadata },
    ...(type !== undefined && { type }),
  };
  if (!holds(onlyIf, state.objects.get(key))) return null;

  countWrite(state, "put", [key]);
  state.objects.set(key, object);
  return describe(key, object, state.faults);
}

async function deleteObjects(state: BucketState, keyOrKeys: string | string[]): Promise<void> {
  await recordCall(state, { method: "delete", key: keyOrKeys });
  const keys = [keyOrKeys].flat();
  if (keys.length < 1 || keys.length > MAX_KEYS) throw r2Error("delete", 10027);

  countWrite(state, "delete", keys);
  for (const key of keys) state.objects.delete(key);
}

async function listObjects(state: BucketState, options: R2ListOptions = {}): Promise<R2Objects> {
  checkSupported("list", options);
  const { prefix = "", limit = MAX_KEYS, cursor = "" } = options;
  await recordCall(state, { method: "list", key: prefix });
  const isAllowed = limit >= 1 && limit <= MAX_KEYS; // not so for NaN
  if (!isAllowed) throw r2Error("list", 10022);

  // A cursor is the last key of the page before. Without one, the list begins with the first key.
  const lastListed = Buffer.from(cursor, "base64").toString();
  const isNext = (key: string) => lastListed === "" || compareKeys(key, lastListed) > 0;
  const matching = [...state.objects.keys()]
    .filter((key) => key.startsWith(prefix) && isNext(key))
    .sort(compareKeys);

  const page = matching.slice(0, limit);
  const descriptions: R2Object[] = [];
  for (const key of page) {
    const object = state.objects.get(key);
    if (object === undefined) continue;
    descriptions.push(withoutMetadata(describe(key, object, state.faults)));
  }

  const listing = { objects: descriptions, delimitedPrefixes: [] };
  const lastKey = page.at(-1);
  if (lastKey === undefined || page.length === matching.length) {
    return { ...listing, truncated: false };
  }
  return { ...listing, truncated: true, cursor: Buffer.from(lastKey).toString("base64") };
}

/** Records a call. @throws as the faults say, or if the key is invalid */
async function recordCall({ calls, faults }: BucketState, call: R2Call): Promise<void> {
  const { method, key } = call;
  calls.push(call);

  if (faults.has("gone")) throw r2Error(method, 10006);
  if (faults.has("throws") || faults.has(`throws-${method}`)) throw r2Error(method, 10001);
  if (faults.has("busy") && method === "put") throw r2Error(method, 10058);
  if (faults.has("stall") || faults.has(`stall-${method}`)) await never();

  if (method === "list") return;
  const keys = [key].flat();
  const hasLongKey = keys.some((name) => Buffer.byteLength(name) > MAX_KEY_BYTES);
  if (hasLongKey) throw r2Error(method, 10020);
}

/** A promise that never settles. */
function never(): Promise<never> {
  return new Promise(() => {});
}

/** Counts a write of keys. @throws if one of them was written less than a second ago (T3) */
function countWrite(
  { limitsWrites, writes, now }: BucketState,
  method: "put" | "delete",
  keys: readonly string[],
): void {
  if (!limitsWrites.includes(method)) return;

  for (const key of keys) {
    const lastWrite = writes.get(key);
    const isTooSoon = lastWrite !== undefined && now() - lastWrite < WRITE_INTERVAL_MS;
    if (isTooSoon) throw r2Error(method, 10058);
  }
  for (const key of keys) writes.set(key, now());
}

function r2Error(method: R2Call["method"], number: keyof typeof ERRORS): Error {
  return new Error(`${method}: ${ERRORS[number]} (${number})`);
}

function throwUnsupported(): never {
  throw new TypeError("createR2 plays no multipart upload");
}

/**
 * Checks the options of a call, and the tables inside of them.
 * @throws if an option is not implemented or is Headers, or if an ETag has quotes (T8)
 */
function checkSupported(method: R2Call["method"], options: object): void {
  for (const [name, value] of Object.entries(options)) {
    if (!SUPPORTED_OPTIONS.includes(name) || value instanceof Headers) {
      throw new TypeError(`createR2: ${method} does not play this ${name}`);
    }

    const isQuoted = name.startsWith("etag") && /^".*"$/s.test(`${value}`);
    if (isQuoted) throw new TypeError("Conditional ETag should not be wrapped in quotes");

    // The names of custom metadata are free. Any other table has options of its own.
    if (isRecord(value) && name !== "customMetadata") checkSupported(method, value);
  }
}

/** Returns whether a condition holds for an object, or for nothing (T8, T8a). An ETag may be `*`. */
function holds(onlyIf: R2Conditional | Headers = {}, object: R2Stored | undefined): boolean {
  const { etagMatches, etagDoesNotMatch }: R2Conditional = { ...onlyIf };
  const isMatching = etagMatches === undefined || hasEtag(object, etagMatches);
  const isExcluded = etagDoesNotMatch !== undefined && hasEtag(object, etagDoesNotMatch);
  return isMatching && !isExcluded;
}

function hasEtag(object: R2Stored | undefined, etag: string): boolean {
  if (object === undefined) return false;
  return etag === "*" || etag === md5(object.body);
}

/**
 * Copies the bytes of a value: of text, of a buffer or a view of one, of a Blob, or of null, which has none.
 * @throws {TypeError} for a stream: in Node.js, no stream has a known length (T2)
 */
function copyBytes(value: Value): Promise<ArrayBuffer> {
  const isBytes = isArrayBuffer(value) || ArrayBuffer.isView(value) || value instanceof Blob;
  if (isBytes || typeof value === "string" || value === null) {
    return new Response(value).arrayBuffer();
  }

  throw new TypeError(
    "Provided readable stream must have a known length (request/response body or readable half of FixedLengthStream)",
  );
}

/** Returns the part of an object that a range means. @throws if that has no byte: any range of an empty object has none */
function resolveRange({ body }: R2Stored, range?: R2Call["range"]): Range {
  const size = body.length;
  if (range === undefined) return { offset: 0, length: size };

  const partial: Partial<Range> = Object(range);
  const offset = partial.offset ?? 0;
  const length = partial.length ?? size - offset;
  if (offset < 0 || offset >= size || length <= 0) throw r2Error("get", 10039);

  return { offset, length: Math.min(length, size - offset) };
}

function md5(data: Uint8Array | string): string {
  return createHash("md5").update(data).digest("hex");
}

/** What R2 says of an object besides its bytes. */
function describe(
  key: string,
  { body, type, encoding, customMetadata = {}, uploaded = UPLOADED }: R2Stored,
  faults: ReadonlySet<R2Fault>,
) {
  const etag = md5(body);
  const httpMetadata = {
    ...(type !== undefined && { contentType: type }),
    ...(encoding !== undefined && { contentEncoding: encoding }),
  };

  return {
    key,
    version: md5(`${key} ${etag} ${uploaded.getTime()}`), // another time, another version
    etag,
    httpEtag: `"${etag}"`,
    uploaded,
    storageClass: "Standard",
    size: describedSize(body, faults),
    httpMetadata,
    customMetadata,
    checksums: { toJSON: () => ({ md5: etag }) },
    writeHttpMetadata(headers: Headers) {
      if (type !== undefined) headers.set("content-type", type);
      if (encoding !== undefined) headers.set("content-encoding", encoding);
    },
  };
}

function describedSize(body: Uint8Array, faults: ReadonlySet<R2Fault>): number {
  if (faults.has("says-less")) return Math.floor(body.length / 2);
  if (faults.has("says-more")) return body.length * 2;
  return body.length;
}

/** A list has no metadata by default. */
function withoutMetadata(description: ReturnType<typeof describe>) {
  return {
    ...description,
    httpMetadata: {},
    customMetadata: {},
    writeHttpMetadata() {},
  };
}

function withBody(
  object: ReturnType<typeof describe> & { readonly range: Range },
  { body }: R2Stored,
  faults: ReadonlySet<R2Fault>,
): R2ObjectBody {
  const { contentType = "" }: R2HTTPMetadata = object.httpMetadata;
  const content = contentOf(body, object.range, faults);
  const response = new Response(content);

  return {
    ...object,
    body: content,
    get bodyUsed() {
      return response.bodyUsed;
    },
    arrayBuffer: () => response.arrayBuffer(),
    bytes: () => response.bytes(),
    text: () => response.text(),
    json: () => response.json(),
    blob: async () => new Blob([await response.arrayBuffer()], { type: contentType }),
  };
}

/** The bytes of a range, as far as the faults let them come. */
function contentOf(
  body: Uint8Array,
  { offset, length }: Range,
  faults: ReadonlySet<R2Fault>,
): ReadableStream {
  const part = body.slice(offset, offset + length);

  // A body breaks after half of the object: a part before that comes whole.
  const isBeforeBreak = offset + length <= body.length / 2;
  if (!isBeforeBreak) {
    if (faults.has("cut-short")) return firstHalf(part, "error");
    if (faults.has("stall-midway")) return firstHalf(part, "silence");
  }
  return new Blob([part]).stream();
}
