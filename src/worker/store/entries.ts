// Renditions in R2: each one that was ever made, under a name that follows from what it is. What is there is checked:
// another version of Vitrine may have put it there, or somebody else.

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

/** What the store has there. */
export type StoreEntry = {
  /** R2's ETag of what is there, whatever it is; undefined: nothing. */
  readonly seen?: string;
  /** Undefined where it is not what this Worker stores there. */
  readonly rendition?: NamedRendition;
};

/** The longest rendition that is stored. It must fit into the memory: bytes. */
export const MAX_BYTES = 8 * 1024 * 1024;

/** @returns undefined if a rendition is not stored: facts, SVGs, and where an overlay by URL has no ETag */
export async function storePathOf(
  key: RenditionKey,
  { store }: Pick<Config, "store">,
): Promise<StorePath | undefined> {
  const { variant, formats, isStorable } = key;
  const hasUrl = variant.image.draw?.some(({ url }) => url !== undefined);
  if (!store || !isStorable || hasUrl || formats === "facts" || formats === "svg") return undefined;
  return { store, name: await storedName(key) };
}

/** The object's tag, and a hash of all that decides the bytes, with what opens the bucket. */
export async function storedName(key: RenditionKey): Promise<string> {
  return `${await objectTag(key.bucket, key.key)}/${await sha256Hex(renditionName(key))}`;
}

/** @returns undefined if the store fails */
export function readEntry({ store, name }: StorePath): Promise<StoreEntry | undefined> {
  return attempt(store, "get", async () => {
    const object = await store.get(name);
    if (!object) return {};
    const { etag: seen, size, customMetadata = {} } = object;
    const { of, etag, type = "", length } = customMetadata;
    if (of !== name || !etag || length !== `${size}` || size > MAX_BYTES) {
      cancelBody(object.body);
      return { seen };
    }
    const bytes = new Uint8Array(await object.arrayBuffer());
    if (bytes.length !== size || sniff(bytes) !== type) return { seen };
    return { seen, rendition: { body: new Response(bytes).body, type, length, etag } };
  });
}

/** How long the store may take from when its entry is needed: ms. */
const STORE_MS = 1_000;

/** Waits a second more for what is being read, or until the deadline. */
export async function waitForEntry(
  { store }: StorePath,
  reading: Promise<StoreEntry | undefined>,
  deadline: number,
): Promise<StoreEntry | undefined> {
  const entry = await withTimeout(Math.min(STORE_MS, deadline - Date.now()), reading);
  if (entry !== TIMED_OUT) return entry;
  reportFailure(store, "get: no answer in time");
  return undefined;
}

/** Reads what is stored of the first of these objects of which something is. */
export async function readStored(
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

/** How much of its own name the metadata of a rendition have: characters. All of them have less than 2 KB (T3). */
const MAX_SHOWN = 1_200;

/**
 * Stores a rendition, unless something else is there than what was seen.
 * @param etag of the rendition: the identity that it was made of
 * @param now ms since 1970
 * @returns false if something else is there. What fails may have been written
 */
export async function putRendition(
  { store, name }: StorePath,
  key: RenditionKey,
  { bytes, type, etag }: { bytes: Uint8Array<ArrayBuffer>; type: string; etag: string },
  { seen }: StoreEntry,
  now: number,
): Promise<boolean> {
  const customMetadata = {
    ...{ of: name, etag, type, length: `${bytes.length}` },
    ...{ made: new Date(now).toISOString(), rendition: renditionName(key).slice(0, MAX_SHOWN) },
  };
  const onlyIf = seen === undefined ? { etagDoesNotMatch: "*" } : { etagMatches: seen }; // T8a
  const options = { onlyIf, httpMetadata: { contentType: type }, customMetadata };
  const put = await attempt(store, "put", () => store.put(name, bytes, options));
  return put !== null;
}

/** T4. Names a call. */
const MAX_NAMES = 1_000;

/** R2 may count a delete as a write: one second after the last one of the same name is soon enough (T3). ms. */
const WRITES_MS = 1_100;

/** Deletes names, and tries it once more. @returns whether they are deleted */
export async function deleteNames(store: Store, names: readonly string[]): Promise<boolean> {
  const remove = async () => {
    for (let at = 0; at < names.length; at += MAX_NAMES) {
      await store.delete(names.slice(at, at + MAX_NAMES));
    }
    return true;
  };
  const again = () => scheduler.wait(WRITES_MS).then(remove);
  return (await attempt(store, "delete", () => remove().catch(again))) === true;
}

/** Deletes what the configuration can name of an object: a list would cost money (T5). */
export async function deleteKnown(
  { store, buckets, variants }: Pick<Config, "store" | "buckets" | "variants">,
  { bucket, key }: Pick<RenditionKey, "bucket" | "key">,
): Promise<void> {
  if (!store) return;
  const tag = await objectTag(bucket, key);
  const unchanging = { key, version: undefined, isStorable: true };
  const names = buckets
    .filter(({ baseUrl, prefix }) => baseUrl === bucket.baseUrl && key.startsWith(prefix))
    .flatMap((one) =>
      [...variants.values()].flatMap((variant) =>
        possibleFormats(variant).map(async (formats) => {
          const name = renditionName({ ...unchanging, bucket: one, variant, formats });
          return `${tag}/${await sha256Hex(name)}`;
        }),
      ),
    );
  await deleteNames(store, await Promise.all(names));
}

/** Deletes all renditions of an object, also those of earlier configurations. @returns whether they are gone */
export async function deleteFolder(
  store: Store,
  { bucket, key }: Pick<RenditionKey, "bucket" | "key">,
): Promise<boolean> {
  const prefix = `${await objectTag(bucket, key)}/`;
  for (;;) {
    const list = await attempt(store, "list", () => store.list({ prefix }));
    const names = list?.objects.map(({ key: name }) => name) ?? [];
    if (!list || !(await deleteNames(store, names))) return false;
    if (!list.truncated) return true;
  }
}

/** Calls the store. What it throws is logged. @returns undefined if it throws */
async function attempt<T>(
  store: Store,
  call: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (call !== "put" || !TOO_FAST.test(`${error}`)) reportFailure(store, `${call}: ${error}`);
    return undefined;
  }
}

/** How R2 says that another one is writing the same name (T3). */
const TOO_FAST = /\b(?:429|10058)\b/;

const MAX_REASON = 200; // characters

const failures = new WeakMap<Store, LogCount>();

/** Logs that the store fails, once a minute: pictures are made without it. */
function reportFailure(store: Store, reason: string): void {
  const { times, shouldLog, next } = countForLog(failures.get(store), Date.now());
  failures.set(store, next);
  if (!shouldLog) return;
  logNotice({ event: "store-failed", reason: reason.slice(0, MAX_REASON), times });
}
