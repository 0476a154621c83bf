// The store: the renditions that were ever rendered, in R2 (Cloudflare's object storage), under names that follow from the
// ids of the renditions. What is read is checked, because another version of Vitrine, or somebody else, may have stored it. A
// store that fails never costs a visitor the picture: it is logged, and the rendition is rendered without the store. Codes
// such as T3 are rules of docs/rules.md.

import type { NamedRendition } from "../cache/cached-answer.ts";
import { bucketTag, objectTag, type RenditionId, renditionName } from "../cache/rendition-url.ts";
import type { Store } from "../config/bindings.ts";
import type { Config } from "../config/config.ts";
import { cancelBody } from "../http/send.ts";
import { logNotice } from "../log/log.ts";
import { sniff } from "../origin/sniff.ts";
import { concatBytes, sha256Hex } from "../util/bytes.ts";
import { countForLog, isWithin, type LogCount, TIMED_OUT, withTimeout } from "../util/time.ts";

/** Where a rendition is stored. */
export type StorePath = { readonly store: Store; readonly name: string };

/** What the store has under a path. */
export type StoreEntry = {
  readonly path: StorePath;
  /** R2's own ETag of the content, whatever that content is; undefined: there is nothing under the path. */
  readonly r2Etag?: string;
  /** When the content was written, by R2's clock: ms since 1970. */
  readonly writtenAt?: number;
  /** Undefined where the content is not a rendition that this Worker stores under this path. */
  readonly rendition?: NamedRendition;
};

/**
 * The store's entry for one rendition. The store is asked once, however often the entry is needed. `prefetch` and `read`
 * give undefined if nothing may be stored for this rendition, or if the store fails.
 */
export type LazyEntry = {
  /** Begins to read the entry, and sets no limit of time. */
  readonly prefetch: () => Promise<StoreEntry | undefined>;
  /** Waits for the entry: for a second at most, and not beyond the deadline. A store that is too slow has failed. */
  readonly read: () => Promise<StoreEntry | undefined>;
  /**
   * Cancels the bytes of the entry, if they are not the ones of the answer: the runtime would hold them.
   * @param body of the answer
   */
  readonly cancelUnless: (body: ReadableStream | null | undefined) => void;
};

/** For how long the store is waited for, once its entry is needed: ms. */
const STORE_TIMEOUT_MS = 1_000;

/** Makes the entry of a rendition, and does not read it yet. @param deadline ms since 1970 */
export function lazyEntry(
  id: RenditionId,
  { store }: Pick<Config, "store">,
  deadline: number,
): LazyEntry {
  let reading: Promise<StoreEntry | undefined> | undefined; // without a limit of time
  let limitedReading: Promise<StoreEntry | undefined> | undefined; // the same, but undefined after the limit

  function prefetch(): Promise<StoreEntry | undefined> {
    reading ??= readEntryOf(id, store);

    // While S3 is silent, `read` comes first. A store that was too slow then is not waited for again in this request.
    return limitedReading ?? reading;
  }

  function read(): Promise<StoreEntry | undefined> {
    // After the deadline, nothing is read any more. With a timeout of 0 or less, only what is there already is used.
    const timeLeft = deadline - Date.now();
    if (!reading && timeLeft <= 0) return Promise.resolve(undefined);

    limitedReading ??= limitReading(prefetch(), store, Math.min(STORE_TIMEOUT_MS, timeLeft));
    return limitedReading;
  }

  function cancelUnless(body: ReadableStream | null | undefined): void {
    reading?.then((entry) => cancelOther(entry, body));
  }

  return { prefetch, read, cancelUnless };
}

function cancelOther(entry: StoreEntry | undefined, body: ReadableStream | null | undefined): void {
  const storedBody = entry?.rendition?.body;
  if (!storedBody) return;

  // A body that is locked is being passed on into the answer.
  const isAnswered = storedBody === body || storedBody.locked;
  if (!isAnswered) cancelBody(storedBody);
}

async function limitReading(
  reading: Promise<StoreEntry | undefined>,
  store: Store | undefined,
  timeoutMs: number,
): Promise<StoreEntry | undefined> {
  const entry = await withTimeout(timeoutMs, reading);
  if (entry !== TIMED_OUT) return entry;

  if (store) reportStoreFailure(store, "get: no answer in time");
  return undefined;
}

async function readEntryOf(
  id: RenditionId,
  store: Store | undefined,
): Promise<StoreEntry | undefined> {
  const { variant, formats, isStorable } = id;
  if (!store || !isStorable) return undefined;

  // Never stored: facts, SVGs, and pictures with an overlay by URL, which has no ETag.
  if (formats === "facts" || formats === "svg") return undefined;
  const overlays = variant.image.draw ?? [];
  if (overlays.some((overlay) => overlay.url !== undefined)) return undefined;

  const name = await storedName(id);
  return readEntry({ store, name });
}

/**
 * Returns the name in the store: the cache tags of the bucket and of the object, and a hash of all else that decides the
 * bytes. So all that is stored of an object, or of a bucket, has one prefix.
 */
export async function storedName(id: RenditionId): Promise<string> {
  const prefix = await storedPrefix(id);
  const hash = await sha256Hex(renditionName(id));
  return `${prefix}${hash}`;
}

/** Returns how the names of all that is stored of an object begin. */
export async function storedPrefix({ bucket, key }: ObjectOfBucket): Promise<string> {
  const tags = await Promise.all([bucketTag(bucket), objectTag(bucket, key)]);
  return `${tags.join("/")}/`;
}

/** An object of a bucket: its key has the bucket's prefix. */
export type ObjectOfBucket = Pick<RenditionId, "bucket" | "key">;

/**
 * How long the writer of an entry may take to confirm it: ms. Its put may take S3_TIMEOUT_MS, its question to S3 as long
 * again, and the delete after that has a retry. The rest is for what these calls take.
 */
const UNCONFIRMED_MS = 15_000;

/**
 * Returns whether the writer of an entry may not have asked S3 once more by now. Until then, the entry may be of an
 * object that was just replaced and purged, and its writer is about to delete it.
 * @param now ms since 1970
 */
export function isUnconfirmed({ writtenAt }: StoreEntry, now: number): boolean {
  return isWithin(UNCONFIRMED_MS, writtenAt, now);
}

/** The longest rendition that is stored. It must fit into the memory: bytes. */
export const MAX_STORED_BYTES = 8 * 1024 * 1024;

/** Reads what the store has under a path. @returns undefined if the store fails */
function readEntry(path: StorePath): Promise<StoreEntry | undefined> {
  return callStore(path.store, "get", () => getEntry(path));
}

async function getEntry(path: StorePath): Promise<StoreEntry> {
  const { store, name } = path;
  const object = await store.get(name);
  if (object === null) return { path };

  // putRendition wrote these metadata. If one of them does not fit, the content is not this Worker's. `of` is the name
  // under which it was stored.
  const { etag: r2Etag, size, customMetadata = {} } = object;
  const writtenAt = object.uploaded.getTime();
  const { of: nameWhenStored, etag, type = "", length } = customMetadata;
  const isForPath = nameWhenStored === name && length === `${size}`;
  if (!isForPath || !etag || size > MAX_STORED_BYTES) {
    cancelBody(object.body);
    return { path, r2Etag, writtenAt };
  }

  // The first bytes show the type of the content, whatever the metadata say.
  if (size <= MAX_WHOLE_BYTES) {
    const bytes = new Uint8Array(await object.arrayBuffer());
    if (bytes.length !== size || sniff(bytes) !== type) return { path, r2Etag, writtenAt };
    return {
      path,
      r2Etag,
      writtenAt,
      rendition: { body: new Response(bytes).body, type, length, etag },
    };
  }

  // A long one stays a stream: a client that reads slowly would hold all of it in the memory. If it breaks off, the answer
  // breaks off, too: it is shorter than its length.
  const [beginning, body] = object.body.tee();
  const head = await readHead(beginning);
  if (sniff(head) !== type) {
    cancelBody(body);
    return { path, r2Etag, writtenAt };
  }
  return { path, r2Etag, writtenAt, rendition: { body, type, length, etag } };
}

/** The longest stored rendition that is read whole before it is shown: bytes. */
const MAX_WHOLE_BYTES = 256 * 1024;

/** How many bytes show the type of a picture. */
const SNIFFED_BYTES = 64;

/** Reads the first bytes of a body, and cancels the rest. */
async function readHead(body: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let received = 0;

  while (received < SNIFFED_BYTES) {
    const { done, value } = await reader.read();
    if (done) break;

    received += value.length;
    chunks.push(value);
  }

  reader.cancel().catch(() => {});
  return concatBytes(chunks);
}

/**
 * In the text of R2's error: status 429, or R2's own code for it. R2 refuses two writes of one name at the same time, and
 * may count a delete as a write (T3).
 */
const TOO_MANY_WRITES = /\b(?:429|10058)\b/;

/** Calls the store, and logs what it throws. @returns undefined if it throws */
export async function callStore<T>(
  store: Store,
  method: "head" | "get" | "put" | "delete" | "list",
  call: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    // Two requests that store one rendition at the same time are no failure: one of them succeeds.
    const isWrite = method === "put" || method === "delete";
    const isExpected = isWrite && TOO_MANY_WRITES.test(`${error}`);
    if (!isExpected) reportStoreFailure(store, `${method}: ${error}`);
    return undefined;
  }
}

/** The longest reason in the log: characters. */
const MAX_REASON_LENGTH = 200;

const failureCounts = new WeakMap<Store, LogCount>();

/** Logs once a minute that the store fails: pictures are rendered without it. */
function reportStoreFailure(store: Store, reason: string): void {
  // `times` is how often it has failed since the last log line.
  const { times, shouldLog, logCount } = countForLog(failureCounts.get(store), Date.now());
  failureCounts.set(store, logCount);
  if (!shouldLog) return;

  logNotice({ event: "store-failed", reason: reason.slice(0, MAX_REASON_LENGTH), times });
}

/** R2 takes 8,192 bytes of metadata (T3). The field `rendition`, which is only for people, is cut: characters. */
const MAX_DESCRIPTION_LENGTH = 1_200;

/** A rendition that was read whole. */
export type WholeRendition = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly etag: string;
};

/**
 * Stores a rendition, unless the content of the path has changed since it was read.
 * @param entry what the store had under the path when it was read
 * @param now ms since 1970
 * @returns false if nothing was written, because the content has changed; true if it was written, or may have been
 */
export async function putRendition(
  entry: StoreEntry,
  id: RenditionId,
  rendition: WholeRendition,
  now: number,
): Promise<boolean> {
  const { store, name } = entry.path;
  const { bytes, type, etag } = rendition;

  const customMetadata = {
    of: name,
    etag,
    type,
    length: `${bytes.length}`,
    made: new Date(now).toISOString(),
    rendition: renditionName(id).slice(0, MAX_DESCRIPTION_LENGTH),
  };

  // R2 writes only where the path still has what was read: the content with this ETag, or nothing ("*") (T8a).
  const { r2Etag } = entry;
  const onlyIf = r2Etag ? { etagMatches: r2Etag } : { etagDoesNotMatch: "*" };

  const options = { onlyIf, httpMetadata: { contentType: type }, customMetadata };
  const put = await callStore(store, "put", () => store.put(name, bytes, options));

  // null: the condition does not hold (T8a). undefined: an error, after which it may have been written.
  return put !== null;
}
