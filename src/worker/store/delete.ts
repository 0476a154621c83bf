// Deletes renditions from the store, an R2 bucket: those of an object, of a bucket, or all. What is there is listed first,
// since earlier configurations may have stored it under names that nobody knows any more. It is listed once more at the end:
// only an empty list proves that nothing is left. A request of the free plan has 50 calls in all (L3), so each of these
// functions stops after some lists, and says that something may be left. Codes such as T4 are rules of docs/rules.md.

import { bucketTag, objectTag, type RenditionId, renditionName } from "../cache/rendition-url.ts";
import type { Store } from "../config/bindings.ts";
import type { Bucket } from "../config/bucket.ts";
import type { Config } from "../config/config.ts";
import { possibleFormats } from "../request/accept.ts";
import { sha256Hex } from "../util/bytes.ts";
import { callStore, type ObjectOfBucket, type StorePath, storedPrefix } from "./entries.ts";

/** What became of a deletion. `deleted` is how many renditions were deleted. */
export type Deletion =
  /**
   * A last list shows that nothing is left.
   * `oldest`: when the oldest of what was deleted was stored: ms since 1970. Undefined: nothing was deleted, or
   * the whole store was, which is not examined.
   */
  | { readonly kind: "empty"; readonly deleted: number; readonly oldest?: number | undefined }
  /**
   * The limits are reached, and something may be left.
   * `after`: where another request goes on, which is R2's cursor; undefined: at the beginning.
   */
  | { readonly kind: "left"; readonly deleted: number; readonly after?: string | undefined }
  /** The store does not list, or does not delete. */
  | { readonly kind: "failed"; readonly deleted: number };

/** When to stop. */
export type DeletionLimits = {
  /** How many lists are read at most. Each is followed by a delete. */
  readonly maxLists: number;
  /** After this, no list is read any more: ms since 1970. */
  readonly until: number;
};

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

/**
 * Returns whether the store still has a rendition. A store that fails proves nothing: then the rendition
 * counts as stored.
 * @param etag of the rendition: another run may have put another one under the same path
 */
export async function isStillStored(
  { store, name }: StorePath,
  etag: string | undefined,
): Promise<boolean> {
  const entry = await callStore(store, "head", () => store.head(name));
  if (entry === undefined) return true;
  return entry?.customMetadata?.["etag"] === etag;
}

/**
 * Deletes the rendition that a run has put, unless another run has put another one there since.
 * @returns false if it may still be there
 */
export async function deleteOwn({ store, name }: StorePath, etag: string): Promise<boolean> {
  const entry = await callStore(store, "head", () => store.head(name));
  if (entry === null) return true; // nothing is there

  // A store that does not say what is there (undefined) has to delete it.
  const isOther = entry !== undefined && entry.customMetadata?.["etag"] !== etag;
  return isOther || deleteNames(store, [name]);
}

/** Version 0.2 stored few renditions of an object under a name of its own. One list finds them, another one proves it. */
const OLD_LISTS = 2;

/** Deletes the renditions of an object, also those of earlier configurations. */
export async function deleteObject(
  store: Store,
  object: ObjectOfBucket,
  limits: DeletionLimits,
): Promise<Deletion> {
  const prefix = await storedPrefix(object);

  // Version 0.2 stored renditions under the tag of the object alone. From 0.4 on, they need not be deleted any more.
  const oldTag = await objectTag(object.bucket, object.key);
  const oldLimits = { ...limits, maxLists: OLD_LISTS };

  const [current, old] = await Promise.all([
    deleteByPrefix(store, prefix, limits),
    deleteByPrefix(store, `${oldTag}/`, oldLimits),
  ]);
  const deleted = current.deleted + old.deleted;
  if (current.kind !== "empty" || old.kind !== "empty") {
    return { kind: worstKind([current, old]), deleted };
  }

  const oldest = earliest(current.oldest, old.oldest);
  return { kind: "empty", deleted, oldest };
}

/** Returns the earlier of two times, of which there may be none. */
export function earliest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return Math.min(a, b);
}

/** Deletes the renditions of all objects of a bucket, those of version 0.2 excepted: nothing shows these. */
export async function deleteBucket(
  store: Store,
  bucket: Bucket,
  limits: DeletionLimits,
): Promise<Deletion> {
  const tag = await bucketTag(bucket);
  return deleteByPrefix(store, `${tag}/`, limits);
}

/** Returns what holds for several deletions together. */
function worstKind(deletions: readonly Deletion[]): Deletion["kind"] {
  const kinds = deletions.map(({ kind }) => kind);
  if (kinds.includes("failed")) return "failed";
  return kinds.includes("left") ? "left" : "empty";
}

async function deleteByPrefix(
  store: Store,
  prefix: string,
  { maxLists, until }: DeletionLimits,
): Promise<Deletion> {
  let deleted = 0;
  let oldest: number | undefined;

  for (let lists = 0; lists < maxLists; lists++) {
    if (Date.now() >= until) break;

    // No cursor: the names of the last list are deleted, so this list begins with others.
    const list = await callStore(store, "list", () => store.list({ prefix }));
    if (!list) return { kind: "failed", deleted };

    // R2 may answer with an empty list that goes on. It proves nothing.
    const names = list.objects.map((entry) => entry.key);
    if (names.length === 0 && !list.truncated) return { kind: "empty", deleted, oldest };

    const isDeleted = await deleteNames(store, names);
    if (!isDeleted) return { kind: "failed", deleted };

    deleted += names.length;
    for (const { uploaded } of list.objects) oldest = earliest(oldest, uploaded.getTime());
  }
  return { kind: "left", deleted };
}

/** The names that this version and version 0.2 write: one or two tags, and a hash. */
const OWN_NAME = /^(?:[0-9a-f]{64}\/){1,2}[0-9a-f]{64}$/;

/**
 * Deletes all renditions. The bucket of the store may hold other objects, too: only names that Vitrine writes are deleted.
 * @param after where an earlier call has stopped; undefined: at the beginning
 */
export async function deleteEverything(
  store: Store,
  after: string | undefined,
  { maxLists, until }: DeletionLimits,
): Promise<Deletion> {
  let deleted = 0;
  let cursor = after;

  for (let lists = 0; lists < maxLists; lists++) {
    if (Date.now() >= until) break;

    // With a cursor: the names of others stay, so a list without one would begin with them again.
    const options = cursor === undefined ? {} : { cursor };
    const list = await callStore(store, "list", () => store.list(options));
    if (!list) return { kind: "failed", deleted };

    const names = list.objects.map((entry) => entry.key);
    const ownNames = names.filter((name) => OWN_NAME.test(name));
    const isDeleted = await deleteNames(store, ownNames);
    if (!isDeleted) return { kind: "failed", deleted };

    deleted += ownNames.length;
    if (!list.truncated) return { kind: "empty", deleted };
    cursor = list.cursor;
  }
  return { kind: "left", deleted, after: cursor };
}

/** So many names are hashed at most. That takes 4 ms of CPU time, of the 10 that a request has on the free plan. */
const MAX_HASHED_NAMES = 500;

/** The same for long keys, which make long names: bytes of all names. */
const MAX_HASHED_BYTES = 200_000;

/** Limits for the list of what is stored of a missing object. No visitor waits for it. */
const GONE_LIMITS: DeletionLimits = { maxLists: 10, until: Infinity };

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

  const ids = configuredIds(config, object);
  const [firstId] = ids;
  if (!firstId) return;

  // The names differ only in their options, so one of them tells how long all of them are.
  const allBytes = ids.length * renditionName(firstId).length;
  const prefix = await storedPrefix(object);
  if (ids.length > MAX_HASHED_NAMES || allBytes > MAX_HASHED_BYTES) {
    await deleteByPrefix(store, prefix, GONE_LIMITS);
    return;
  }

  const storedNames = await Promise.all(
    ids.map(async (id) => `${prefix}${await sha256Hex(renditionName(id))}`),
  );
  await deleteNames(store, storedNames);
}

/**
 * Returns the ids of all renditions of an object: at each variant, in each format. Two buckets of the configuration may
 * be one S3 bucket: both then have the object, if its key begins with the prefix of each.
 */
function configuredIds(
  { buckets, variants }: Pick<Config, "buckets" | "variants">,
  { bucket, key }: ObjectOfBucket,
): RenditionId[] {
  const ids: RenditionId[] = [];

  // These two are no part of a rendition's name in the store.
  const unnamed = { version: undefined, lifetimes: undefined };

  for (const alias of buckets) {
    // The bucket itself, or another name for the same S3 bucket.
    const hasObject = alias.baseUrl === bucket.baseUrl && key.startsWith(alias.prefix);
    if (!hasObject) continue;

    for (const variant of variants.values()) {
      for (const formats of possibleFormats(variant)) {
        ids.push({ bucket: alias, key, variant, formats, isStorable: true, ...unnamed });
      }
    }
  }
  return ids;
}
