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
import { possibleFormats } from "../request/accept.ts";
import { sha256Hex } from "../util/bytes.ts";
import { countForLog, type LogCount, TIMED_OUT, withTimeout } from "../util/time.ts";

/** Where a rendition is stored. */
export type StorePath = { readonly store: Store; readonly name: string };

/** What the store has under a path. */
export type StoreEntry = {
  readonly path: StorePath;
  /** R2's own ETag of the content, whatever that content is; undefined: there is nothing under the path. */
  readonly r2Etag?: string;
  /** Undefined where the content is not a rendition that this Worker stores under this path. */
  readonly rendition?: NamedRendition;
};

/**
 * The store's entry for one rendition. The store is asked once, however often the entry is needed. Both functions give
 * undefined if nothing may be stored for this rendition, or if the store fails.
 */
export type LazyEntry = {
  /** Begins to read the entry, and sets no limit of time. */
  readonly prefetch: () => Promise<StoreEntry | undefined>;
  /** Waits for the entry: for a second at most, and not beyond the deadline. A store that is too slow has failed. */
  readonly read: () => Promise<StoreEntry | undefined>;
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

  return { prefetch, read };
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

async function storedPrefix({ bucket, key }: ObjectOfBucket): Promise<string> {
  const tags = await Promise.all([bucketTag(bucket), objectTag(bucket, key)]);
  return `${tags.join("/")}/`;
}

/** The longest rendition that is stored. It must fit into the memory: bytes. */
export const MAX_STORED_BYTES = 8 * 1024 * 1024;

/** Reads what the store has under a path. @returns undefined if the store fails */
export function readEntry(path: StorePath): Promise<StoreEntry | undefined> {
  return callStore(path.store, "get", () => getEntry(path));
}

async function getEntry(path: StorePath): Promise<StoreEntry> {
  const { store, name } = path;
  const object = await store.get(name);
  if (object === null) return { path };

  // putRendition wrote these metadata. If one of them does not fit, the content is not this Worker's. `of` is the name
  // under which it was stored.
  const { etag: r2Etag, size, customMetadata = {} } = object;
  const { of: nameWhenStored, etag, type = "", length } = customMetadata;
  const isForPath = nameWhenStored === name && length === `${size}`;
  if (!isForPath || !etag || size > MAX_STORED_BYTES) {
    cancelBody(object.body);
    return { path, r2Etag };
  }

  // The first bytes show the type of the content, whatever the metadata say.
  const bytes = new Uint8Array(await object.arrayBuffer());
  if (bytes.length !== size || sniff(bytes) !== type) return { path, r2Etag };

  const rendition = { body: new Response(bytes).body, type, length, etag };
  return { path, r2Etag, rendition };
}

/**
 * In the text of R2's error: status 429, or R2's own code for it. R2 refuses two writes of one name at the same time, and
 * may count a delete as a write (T3).
 */
const TOO_MANY_WRITES = /\b(?:429|10058)\b/;

/** Calls the store, and logs what it throws. @returns undefined if it throws */
async function callStore<T>(
  store: Store,
  method: "get" | "put" | "delete" | "list",
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

/** After how long a delete is tried again. R2 allows one write of a name in a second (T3): ms. */
const WRITE_PERIOD_MS = 1_100;

/** How many names one call deletes (T4). */
const MAX_NAMES_PER_CALL = 1_000;

/** Deletes names, with one retry. @returns whether all are deleted */
export async function deleteNames(store: Store, names: readonly string[]): Promise<boolean> {
  const isDeleted = await callStore(store, "delete", () => deleteOrRetry(store, names));
  return isDeleted === true;
}

async function deleteOrRetry(store: Store, names: readonly string[]): Promise<true> {
  try {
    return await deleteInCalls(store, names);
  } catch {
    await scheduler.wait(WRITE_PERIOD_MS);
    return deleteInCalls(store, names);
  }
}

async function deleteInCalls(store: Store, names: readonly string[]): Promise<true> {
  for (let start = 0; start < names.length; start += MAX_NAMES_PER_CALL) {
    await store.delete(names.slice(start, start + MAX_NAMES_PER_CALL));
  }
  return true;
}

/** An object of a bucket: its key has the bucket's prefix. */
type ObjectOfBucket = Pick<RenditionId, "bucket" | "key">;

/** To hash so many names takes 4 ms of CPU time, of the 10 that a request has on the free plan. */
const MAX_HASHED_NAMES = 500;

/**
 * Deletes the renditions of an object under all names that the configuration can give them. This runs for each request of
 * a missing object, and deletes are free. A list of what is stored would also find names of earlier configurations, but
 * each list is billed (T5).
 */
export async function deleteConfigured(
  config: Pick<Config, "store" | "buckets" | "variants">,
  object: ObjectOfBucket,
): Promise<void> {
  const { store } = config;
  if (!store) return;

  const names = configuredNames(config, object);
  const prefix = await storedPrefix(object);
  if (names.length > MAX_HASHED_NAMES) {
    await deleteByPrefix(store, prefix);
    return;
  }

  const storedNames = await Promise.all(
    names.map(async (name) => `${prefix}${await sha256Hex(name)}`),
  );
  await deleteNames(store, storedNames);
}

/**
 * Returns the names of all renditions of an object: at each variant, in each format. Two buckets of the configuration may
 * be one S3 bucket: both then have the object, if its key begins with the prefix of each.
 */
function configuredNames(
  { buckets, variants }: Pick<Config, "buckets" | "variants">,
  { bucket, key }: ObjectOfBucket,
): string[] {
  const names: string[] = [];
  for (const alias of buckets) {
    // The bucket itself, or another name for the same S3 bucket.
    const hasObject = alias.baseUrl === bucket.baseUrl && key.startsWith(alias.prefix);
    if (!hasObject) continue;

    for (const variant of variants.values()) {
      for (const formats of possibleFormats(variant)) {
        const id = { bucket: alias, key, version: undefined, variant, formats, isStorable: true };
        names.push(renditionName(id));
      }
    }
  }
  return names;
}

/** How many lists of 1,000 names are read (T4). A store that always has more must not be read for ever. */
const MAX_LISTS = 10;

/** Deletes all renditions of an object, also those of earlier configurations. @returns whether all are deleted */
export async function deleteAll(store: Store, object: ObjectOfBucket): Promise<boolean> {
  const prefix = await storedPrefix(object);

  // Version 0.2 stored renditions under the tag of the object alone. From 0.4 on, they need not be deleted any more.
  const oldTag = await objectTag(object.bucket, object.key);
  const deleting = [deleteByPrefix(store, prefix), deleteByPrefix(store, `${oldTag}/`)];
  const results = await Promise.all(deleting);
  return results.every(Boolean);
}

async function deleteByPrefix(store: Store, prefix: string): Promise<boolean> {
  for (let lists = 0; lists < MAX_LISTS; lists++) {
    // No cursor: the names of the last list are deleted, so this list begins with others.
    const list = await callStore(store, "list", () => store.list({ prefix }));
    if (!list) return false;

    const names = list.objects.map((entry) => entry.key);
    const isDeleted = await deleteNames(store, names);
    if (!isDeleted) return false;
    if (!list.truncated) return true;
  }
  return false;
}
