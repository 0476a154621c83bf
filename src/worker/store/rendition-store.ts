// Renditions in R2: each one that was ever made, under a name that follows from what it is. What is there is checked:
// it may be of another version of Vitrine, or somebody else may have put it there.

import { isRefusal } from "../base/refusal.ts";
import { cancelBody } from "../base/send.ts";
import { TIMED_OUT, withTimeout } from "../base/time.ts";
import type { NamedRendition } from "../cache/cached-answer.ts";
import { digest, objectTag, type RenditionKey, renditionName } from "../cache/rendition-url.ts";
import type { Store } from "../config/bucket-settings.ts";
import type { Config } from "../config/config.ts";
import { readBody } from "../origin/read-body.ts";
import { sniff } from "../origin/sniff.ts";
import { possibleFormats } from "../request/format.ts";
import { reportFailure } from "./report-failure.ts";

/** What the store has under a name. */
export type StoreEntry = {
  /** R2's ETag of what is there, whatever it is; null: nothing. */
  readonly seen: string | null;
  /** Undefined where it is not what this Worker stores under this name. */
  readonly rendition: NamedRendition | undefined;
};

/** A place in the store. */
export type Place = { readonly store: Store; readonly name: string };

/**
 * The place of a rendition.
 * @returns undefined if it is not stored: facts and SVGs are made quickly, and an overlay by URL has no ETag
 */
export async function placeOf(
  key: RenditionKey,
  { store }: Pick<Config, "store">,
): Promise<Place | undefined> {
  const { variant, formats, isStorable } = key;
  const hasUrl = variant.image.draw?.some(({ url }) => url !== undefined);
  if (!store || !isStorable || hasUrl || formats === "facts" || formats === "svg") return undefined;
  return { store, name: await nameOf(key) };
}

/** The folder of the object, and in it what else decides the bytes, with what opens the bucket. */
async function nameOf(key: RenditionKey): Promise<string> {
  return `${await objectTag(key.bucket, key.key)}/${await digest(renditionName(key))}`;
}

/** Reads what the store has, as soon as somebody needs it, and once. */
export type Lookup = {
  readonly start: () => Promise<StoreEntry | undefined>;
  /** Waits for a second more at most. Undefined: there is no store, or it failed. */
  readonly entry: () => Promise<StoreEntry | undefined>;
  /** Cancels what nobody will read. */
  readonly drop: () => void;
};

/** How long the store may take, from when its entry is needed: ms. */
const STORE_MS = 1_000;

/** @param deadline until when the first bytes may take: ms since 1970 */
export function createLookup(place: Place | undefined, deadline: number): Lookup {
  let reading: Promise<StoreEntry | undefined> | undefined;
  let waiting: Promise<StoreEntry | undefined> | undefined;
  const start = () => {
    reading ??= place ? readEntry(place, deadline) : Promise.resolve(undefined);
    return reading;
  };
  const wait = async () => {
    const entry = await withTimeout(STORE_MS, start());
    if (entry !== TIMED_OUT) return entry;
    if (place) reportFailure(place.store, "get: no answer in time", Date.now());
    return undefined;
  };
  return {
    start,
    entry: () => {
      waiting ??= wait();
      return waiting;
    },
    drop: () => void reading?.then((entry) => cancelBody(entry?.rendition?.body ?? null)),
  };
}

async function readEntry(
  { store, name }: Place,
  deadline: number,
): Promise<StoreEntry | undefined> {
  try {
    const object = await store.get(name);
    if (!object) return { seen: null, rendition: undefined };
    const { etag: seen, size, customMetadata = {} } = object;
    const body = await readBody(object.body, size, deadline);
    if (isRefusal(body)) throw new Error("the rendition broke off");
    const { of, etag, type = "", length } = customMetadata;
    const isOwn = of === name && length === `${size}` && sniff(body.head) === type;
    if (isOwn) return { seen, rendition: { body: body.stream, type, length, etag } };
    body.cancel();
    return { seen, rendition: undefined };
  } catch (error) {
    reportFailure(store, `get: ${error}`, Date.now());
    return undefined;
  }
}

/** How R2 says that another one was faster (T3). */
const TOO_FAST = /\b(?:429|10058)\b/;

/** How much of a rendition's own name its metadata has: characters. All of them have less than 2 KB. */
const MAX_SHOWN = 1_200;

/**
 * Stores a rendition, unless something else is there now than what was seen.
 * @param rendition its `etag` is the identity that it was made of
 * @returns whether it is stored
 */
export async function putRendition(
  { store, name }: Place,
  key: RenditionKey,
  { bytes, type, etag }: { bytes: Uint8Array<ArrayBuffer>; type: string; etag: string },
  seen: string | null,
  now: number,
): Promise<boolean> {
  const customMetadata = {
    ...{ of: name, etag, type, length: `${bytes.length}` },
    ...{ made: new Date(now).toISOString(), rendition: renditionName(key).slice(0, MAX_SHOWN) },
  };
  const onlyIf = seen === null ? { etagDoesNotMatch: "*" } : { etagMatches: seen }; // T8a
  try {
    const httpMetadata = { contentType: type };
    return (await store.put(name, bytes, { onlyIf, httpMetadata, customMetadata })) !== null;
  } catch (error) {
    if (!TOO_FAST.test(`${error}`)) reportFailure(store, `put: ${error}`, Date.now());
    return false;
  }
}

/** T4. Names a call. */
const MAX_NAMES = 1_000;

/** @returns why they could not be deleted */
export async function deleteNames(
  store: Store,
  names: readonly string[],
): Promise<string | undefined> {
  try {
    for (let at = 0; at < names.length; at += MAX_NAMES) {
      await store.delete(names.slice(at, at + MAX_NAMES));
    }
    return undefined;
  } catch (error) {
    reportFailure(store, `delete: ${error}`, Date.now());
    return `${error}`;
  }
}

/** Deletes what the configuration can name of an object: a list would cost money (T5). */
export async function deleteKnown(
  config: Pick<Config, "store" | "buckets" | "variants">,
  { bucket, key }: Pick<RenditionKey, "bucket" | "key">,
): Promise<void> {
  const { store, buckets, variants } = config;
  if (!store) return;
  const same = buckets.filter(({ base, prefix }) => base === bucket.base && key.startsWith(prefix));
  const names = same.flatMap((one) =>
    [...variants.values()].flatMap((variant) =>
      possibleFormats(variant).map((formats) => {
        return nameOf({ bucket: one, key, version: undefined, variant, formats, isStorable: true });
      }),
    ),
  );
  await deleteNames(store, [...new Set(await Promise.all(names))]);
}

/** Deletes all renditions of an object, also those of earlier configurations. @returns why it could not */
export async function deleteFolder(
  store: Store,
  bucket: RenditionKey["bucket"],
  key: string,
): Promise<string | undefined> {
  const prefix = `${await objectTag(bucket, key)}/`;
  try {
    for (;;) {
      const { objects, truncated } = await store.list({ prefix });
      const failure = await deleteNames(
        store,
        objects.map((one) => one.key),
      );
      if (failure || !truncated) return failure;
    }
  } catch (error) {
    reportFailure(store, `list: ${error}`, Date.now());
    return `${error}`;
  }
}
