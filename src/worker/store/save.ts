// Step 14 of a request, "answer, then store": the visitor gets the rendition, and the store gets the same bytes after the
// answer. Then S3 is asked once more, since an object may be replaced, denied or deleted while its rendition is made.
// Without that second look, the store and Workers Cache would go on showing a picture that was taken down.

import type { NamedRendition } from "../cache/cached-answer.ts";
import { objectTag, type RenditionId } from "../cache/rendition-url.ts";
import type { Bucket } from "../config/bucket.ts";
import type { Variant } from "../config/preset.ts";
import { isRequestedType } from "../edge/guard.ts";
import { isRefusal, type Refusal } from "../http/refusal.ts";
import { type Context, cancelBody, type RequestScope } from "../http/send.ts";
import { logNotice } from "../log/log.ts";
import { openObject } from "../origin/open-object.ts";
import { type OpenedObject, S3_TIMEOUT_MS } from "../origin/opened-object.ts";
import { isGone } from "../origin/verdict.ts";
import { focusOf } from "../request/focus.ts";
import { createTransformRequest } from "../request/transform-request.ts";
import { readBytes } from "../util/bytes.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import {
  deleteNames,
  MAX_STORED_BYTES,
  putRendition,
  readEntry,
  type StoreEntry,
  type StorePath,
  type WholeRendition,
} from "./entries.ts";

/**
 * Returns the rendition to answer with, and stores the same bytes after the answer. What may be stored is read whole
 * first. What may not is passed on as it comes.
 * @param object what the rendition was made of
 * @param entry what the store had for this rendition; undefined: it is not stored
 */
export async function saveRendition(
  id: RenditionId,
  rendition: NamedRendition,
  object: OpenedObject,
  entry: StoreEntry | undefined,
  { context, deadline }: RequestScope,
): Promise<NamedRendition | Refusal> {
  const { body, etag, type } = rendition;
  if (!entry || !body || !etag || !isStorable(id, rendition, object)) {
    context.waitUntil(purgeIfChanged(id, object, context));
    return rendition;
  }

  const [copy, unread] = body.tee();
  const bytes = await readBytes(copy, MAX_STORED_BYTES, deadline).catch(() => undefined);
  if (bytes === "too-long") {
    context.waitUntil(purgeIfChanged(id, object, context));
    return { ...rendition, body: unread };
  }

  cancelBody(unread);
  if (bytes === TIMED_OUT) return { event: "timed-out", reason: "no rendition in time" };
  if (bytes === undefined || !isWhole(bytes, rendition.length)) {
    return { event: "edge-failed", reason: "the rendition broke off" };
  }

  context.waitUntil(storeAndCheck(id, { bytes, type, etag }, object, entry, context));
  return { ...rendition, body: new Response(bytes).body, length: `${bytes.length}` };
}

/** Only the requested type is stored, not one in its place; and only of an object whose bytes have an ETag. */
function isStorable(id: RenditionId, { type, length }: NamedRendition, object: OpenedObject) {
  const request = createTransformRequest(id.variant, id.formats);
  const isTooLong = length !== undefined && Number(length) > MAX_STORED_BYTES;
  return isRequestedType(request, type) && object.etag !== undefined && !isTooLong;
}

/** @param length what the engine promised, if it did */
function isWhole(bytes: Uint8Array, length: string | undefined): boolean {
  if (bytes.length === 0) return false;
  return length === undefined || Number(length) === bytes.length;
}

async function storeAndCheck(
  id: RenditionId,
  rendition: WholeRendition,
  object: OpenedObject,
  entry: StoreEntry,
  context: Context,
): Promise<void> {
  const putting = putRendition(entry, id, rendition, Date.now());
  const isPut = await withTimeout(S3_TIMEOUT_MS, putting);

  // A put that times out may have been written.
  const saved = isPut === false ? undefined : { path: entry.path, etag: rendition.etag };
  await purgeIfChanged(id, object, context, saved);
}

/** What this request has put into the store. */
type SavedRendition = { readonly path: StorePath; readonly etag: string };

/**
 * Asks S3 once more for the object of a new rendition. If it was replaced, denied or deleted meanwhile, its renditions
 * are purged, and the new one leaves the store: the edge may have rendered the new object, and the older one may come
 * back.
 * @param object what the rendition was made of
 */
async function purgeIfChanged(
  { bucket, key, variant }: RenditionId,
  object: OpenedObject,
  context: Context,
  saved?: SavedRendition,
): Promise<void> {
  if (!saved && !context.cache) return; // nothing is kept anywhere

  const current = await openAgain(bucket, key, context, object);
  if (!hasChanged(current, object, variant)) return;

  const deleting = saved && deleteSaved(saved, current);
  await Promise.all([purgeObject(bucket, key, context), deleting]);
}

/**
 * Asks S3 once more for an object that was gone, so that an object of another bucket is shown in its place. If it is
 * there by now, that answer is purged.
 */
export async function purgeIfAppeared(
  { bucket, key }: RenditionId,
  context: Context,
): Promise<void> {
  if (!context.cache) return; // nothing is kept

  const current = await openAgain(bucket, key, context);
  if (hasAppeared(current)) await purgeObject(bucket, key, context);
}

/** @param before the object as it was opened before: its credential is used again */
function openAgain(
  bucket: Bucket,
  key: string,
  context: Context,
  before?: OpenedObject,
): Promise<OpenedObject | Refusal> {
  const deadline = Date.now() + S3_TIMEOUT_MS;
  return openObject(bucket, key, {
    context,
    deadline,
    credential: before?.credential,
    part: "head",
  });
}

/** Returns whether an object is certainly another one than before, or is gone or denied. An S3 that fails says nothing. */
function hasChanged(
  current: OpenedObject | Refusal,
  before: OpenedObject,
  variant: Variant,
): boolean {
  if (isRefusal(current)) return isGone(current) || current.event === "object-denied";

  return sourceOf(current, variant) !== sourceOf(before, variant);
}

/** Returns whether an object that was gone may be there. S3 denies only what it does not call missing. */
function hasAppeared(current: OpenedObject | Refusal): boolean {
  if (isRefusal(current)) return current.event === "object-denied";

  return true;
}

/** What a rendition of the variant takes from an object: its bytes, and its focal point if the preset uses it. */
function sourceOf(object: OpenedObject, variant: Variant): string {
  return JSON.stringify([object.validator, focusOf(variant, object)]);
}

/** Deletes the rendition that this request stored. Another visitor may have stored one of the new object by now. */
async function deleteSaved(
  { path, etag }: SavedRendition,
  current: OpenedObject | Refusal,
): Promise<void> {
  if (!isRefusal(current)) {
    const entry = await readEntry(path);
    if (entry?.rendition?.etag !== etag) return;
  }

  await deleteNames(path.store, [path.name]);
}

/** Purges all renditions of an object from Workers Cache, and all answers that may show it. */
async function purgeObject(bucket: Bucket, key: string, { cache }: Context): Promise<void> {
  if (!cache) return;

  const tag = await objectTag(bucket, key);
  const purging = cache.purge({ tags: [tag] });
  const result = await purging.catch((error) => ({ success: false, errors: [error] }));
  if (result.success) return;

  const messages = result.errors.map((error) => error.message);
  const name = `${bucket.name}/${key.slice(bucket.prefix.length)}`;
  const reason = `cache: ${messages.join("; ")}`;
  logNotice({ event: "purge-failed", reason, objects: 1, first: [name] });
}
