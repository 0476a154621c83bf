// The store: every rendition ever rendered, in R2, under a name that follows from its key. What is read is checked:
// another version of Vitrine, or somebody else, may have stored it.

import type { NamedRendition } from "../cache/cached-answer.ts";
import { objectTag, type RenditionKey, renditionName } from "../cache/rendition-url.ts";
import type { Store } from "../config/bucket-settings.ts";
import type { Config } from "../config/config.ts";
import { cancelBody } from "../http/send.ts";
import { logNotice } from "../log/log.ts";
import { sniff } from "../origin/sniff.ts";
import { possibleFormats } from "../request/accept.ts";
import { sha256Hex } from "../util/bytes.ts";
import { countForLog, type LogCount, TIMED_OUT, withTimeout } from "../util/time.ts";

/** Where a rendition is stored. */
export type StorePath = { readonly store: Store; readonly name: string };

/** The content of the store under a path, as far as it can be used. */
export type StoreEntry = {
  /** R2's ETag of the content, whatever that is; undefined: the path has no content. */
  readonly r2Etag?: string;
  /** Undefined where the content is not a rendition that this Worker stores there. */
  readonly rendition?: NamedRendition;
};

/** The longest rendition that is stored. It must fit into the memory: bytes. */
export const MAX_BYTES = 8 * 1024 * 1024;

/** @returns undefined for what is never stored: facts, SVGs, and pictures with an overlay by URL, which has no ETag */
export async function storePathOf(
  key: RenditionKey,
  { store }: Pick<Config, "store">,
): Promise<StorePath | undefined> {
  const { variant, formats, isStorable } = key;
  const hasUrl = variant.image.draw?.some(({ url }) => url !== undefined);
  if (!store || !isStorable || hasUrl || formats === "facts" || formats === "svg") return undefined;
  return { store, name: await storedName(key) };
}

/** The object's tag, and a hash of everything that decides the bytes. */
export async function storedName(key: RenditionKey): Promise<string> {
  return `${await objectTag(key.bucket, key.key)}/${await sha256Hex(renditionName(key))}`;
}

/** @returns undefined if the store fails */
export function readEntry({ store, name }: StorePath): Promise<StoreEntry | undefined> {
  return callStore(store, "get", async () => {
    const object = await store.get(name);
    if (!object) return {};
    const { etag: r2Etag, size, customMetadata = {} } = object;
    const { of: storedFor, etag, type = "", length } = customMetadata;
    if (storedFor !== name || !etag || length !== `${size}` || size > MAX_BYTES) {
      cancelBody(object.body);
      return { r2Etag };
    }
    const bytes = new Uint8Array(await object.arrayBuffer());
    if (bytes.length !== size || sniff(bytes) !== type) return { r2Etag };
    return { r2Etag, rendition: { body: new Response(bytes).body, type, length, etag } };
  });
}

/** Calls the store, and logs what it throws. @returns undefined if it throws */
async function callStore<T>(
  store: Store,
  call: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const isWrite = call === "put" || call === "delete";
    if (!isWrite || !TOO_FAST.test(`${error}`)) reportStoreFailure(store, `${call}: ${error}`);
    return undefined;
  }
}

/** R2 refuses two writes of one name at the same time, and may count a delete as a write (T3). */
const TOO_FAST = /\b(?:429|10058)\b/;

const MAX_REASON = 200; // characters

const failures = new WeakMap<Store, LogCount>();

/** Logs once a minute that the store fails: pictures are rendered without it. */
function reportStoreFailure(store: Store, reason: string): void {
  const { times, shouldLog, next } = countForLog(failures.get(store), Date.now());
  failures.set(store, next);
  if (!shouldLog) return;
  logNotice({ event: "store-failed", reason: reason.slice(0, MAX_REASON), times });
}

/** For how long the store is waited for, once its entry is needed: ms. */
const STORE_MS = 1_000;

/** Waits for an entry that is being read: for a second, or until the deadline. */
export async function waitForEntry(
  { store }: StorePath,
  reading: Promise<StoreEntry | undefined>,
  deadline: number,
): Promise<StoreEntry | undefined> {
  const entry = await withTimeout(Math.min(STORE_MS, deadline - Date.now()), reading);
  if (entry !== TIMED_OUT) return entry;
  reportStoreFailure(store, "get: no answer in time");
  return undefined;
}

/** Reads the first stored rendition. */
export async function readFirstStored(
  keys: readonly RenditionKey[],
  config: Pick<Config, "store">,
  deadline: number,
): Promise<StoreEntry | undefined> {
  for (const key of keys) {
    if (Date.now() >= deadline) break;
    const path = await storePathOf(key, config);
    const entry = path && (await waitForEntry(path, readEntry(path), deadline));
    if (entry?.rendition) return entry;
  }
  return undefined;
}

/** The metadata have the name of the rendition up to this length: characters. R2 takes 2 KB of metadata (T3). */
const MAX_NAME_LENGTH = 1_200;

/**
 * Stores a rendition, unless the content of the path has changed since it was read.
 * @param etag of the rendition
 * @param now ms since 1970
 * @returns false if the content has changed. A put that fails may have been written
 */
export async function putRendition(
  { store, name }: StorePath,
  key: RenditionKey,
  { bytes, type, etag }: { bytes: Uint8Array<ArrayBuffer>; type: string; etag: string },
  { r2Etag }: StoreEntry,
  now: number,
): Promise<boolean> {
  const customMetadata = {
    ...{ of: name, etag, type, length: `${bytes.length}` },
    ...{
      made: new Date(now).toISOString(),
      rendition: renditionName(key).slice(0, MAX_NAME_LENGTH),
    },
  };
  const onlyIf = r2Etag === undefined ? { etagDoesNotMatch: "*" } : { etagMatches: r2Etag }; // T8a
  const options = { onlyIf, httpMetadata: { contentType: type }, customMetadata };
  const put = await callStore(store, "put", () => store.put(name, bytes, options));
  return put !== null;
}

/** R2 allows one write of a name in a second (T3): ms. */
const WRITE_PERIOD_MS = 1_100;

/** T4. Names in one call. */
const MAX_NAMES = 1_000;

/** Deletes names, with one retry. @returns whether all are deleted */
export async function deleteNames(store: Store, names: readonly string[]): Promise<boolean> {
  const remove = async () => {
    for (let at = 0; at < names.length; at += MAX_NAMES) {
      await store.delete(names.slice(at, at + MAX_NAMES));
    }
    return true;
  };
  const retry = () => scheduler.wait(WRITE_PERIOD_MS).then(remove);
  return (await callStore(store, "delete", () => remove().catch(retry))) === true;
}

/** To hash so many names takes 4 ms of CPU time, of the 10 that a request has on the free plan. */
const MAX_HASHED_NAMES = 500;

/** Deletes the renditions of an object under all names of the configuration: a list would cost money (T5). */
export async function deleteConfigured(
  { store, buckets, variants }: Pick<Config, "store" | "buckets" | "variants">,
  { bucket, key }: Pick<RenditionKey, "bucket" | "key">,
): Promise<void> {
  if (!store) return;
  const keyFields = { key, version: undefined, isStorable: true };
  const names = buckets
    .filter(({ baseUrl, prefix }) => baseUrl === bucket.baseUrl && key.startsWith(prefix))
    .flatMap((alias) =>
      [...variants.values()].flatMap((variant) =>
        possibleFormats(variant).map((formats) => {
          return renditionName({ ...keyFields, bucket: alias, variant, formats });
        }),
      ),
    );
  if (names.length > MAX_HASHED_NAMES) return void (await deleteAll(store, { bucket, key }));
  const tag = await objectTag(bucket, key);
  const hashed = names.map(async (name) => `${tag}/${await sha256Hex(name)}`);
  await deleteNames(store, await Promise.all(hashed));
}

/** Lists of an object, of 1,000 names each (T4): a store that always reports more must not be read for ever. */
const MAX_LISTS = 10;

/** Deletes all renditions of an object, also those of earlier configurations. @returns whether all are deleted */
export async function deleteAll(
  store: Store,
  { bucket, key }: Pick<RenditionKey, "bucket" | "key">,
): Promise<boolean> {
  const prefix = `${await objectTag(bucket, key)}/`;
  for (let lists = 0; lists < MAX_LISTS; lists++) {
    const list = await callStore(store, "list", () => store.list({ prefix }));
    const names = list?.objects.map(({ key: name }) => name) ?? [];
    if (!list || !(await deleteNames(store, names))) return false;
    if (!list.truncated) return true;
  }
  return false;
}
