// Step 14 of a request, "answer, then store": the visitor gets the rendition, and the store gets the same bytes after the
// answer. Then S3 is asked once more, since an object may be replaced, denied or deleted while its rendition is made.
// Otherwise the store and Workers Cache would go on showing a picture that was taken down.

import type { NamedRendition } from "../cache/cached-answer.ts";
import { objectTag, type RenditionId } from "../cache/rendition-url.ts";
import type { Bucket } from "../config/bucket.ts";
import type { Variant } from "../config/preset.ts";
import { isRequestedType } from "../edge/guard.ts";
import { isRefusal, type Refusal } from "../http/refusal.ts";
import { type Context, cancelBody, type RequestScope } from "../http/send.ts";
import { logNotice } from "../log/log.ts";
import { openObject } from "../origin/open-object.ts";
import { type Credential, type OpenedObject, S3_TIMEOUT_MS } from "../origin/opened-object.ts";
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
 * Returns the rendition to answer with, and stores the same bytes after the answer. A rendition that may be stored is
 * read whole first. Any other is passed on as it comes.
 * @param object what the rendition was made of
 * @param entry what the store had for this rendition; undefined: the store is not used
 */
export async function saveRendition(
  id: RenditionId,
  rendition: NamedRendition,
  object: OpenedObject,
  entry: StoreEntry | undefined,
  { context, deadline }: RequestScope,
): Promise<NamedRendition | Refusal> {
  const { body, etag, type, length } = rendition;

  // Only the requested type is stored, not one in its place; and only of an object with an ETag.
  const isRequested = isRequestedType(createTransformRequest(id.variant, id.formats), type);
  const isTooLong = length !== undefined && Number(length) > MAX_STORED_BYTES;
  const isStorable = isRequested && object.etag !== undefined && !isTooLong;
  if (!isStorable || !entry || !body || !etag) {
    context.waitUntil(purgeIfChanged(id, object, context));
    return rendition;
  }

  // The other copy is for a body that proves too long to be stored.
  const [copy, otherCopy] = body.tee();
  const bytes = await readBytes(copy, MAX_STORED_BYTES, deadline).catch(() => undefined);
  if (bytes === "too-long") {
    context.waitUntil(purgeIfChanged(id, object, context));
    return { ...rendition, body: otherCopy };
  }
  cancelBody(otherCopy);

  if (bytes === TIMED_OUT) return { event: "timed-out", reason: "no rendition in time" };

  // The body broke off with an error, is empty, or is not as long as the engine promised.
  const hasLength = length === undefined || Number(length) === bytes?.length;
  if (!bytes?.length || !hasLength) {
    return { event: "edge-failed", reason: "the rendition broke off" };
  }

  context.waitUntil(storeAndCheck(id, { bytes, type, etag }, object, entry, context));
  return { ...rendition, body: new Response(bytes).body, length: `${bytes.length}` };
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

  // A put that takes too long may have been written, too.
  const saved = isPut === false ? undefined : { path: entry.path, etag: rendition.etag };
  await purgeIfChanged(id, object, context, saved);
}

/** What this request has put into the store, or may have. */
type SavedRendition = { readonly path: StorePath; readonly etag: string };

/**
 * Asks S3 once more for the object of a new rendition. If it was replaced, denied or deleted meanwhile, its renditions
 * are purged, and the new one leaves the store. That one may show the new object under the ETag of the old one: if the
 * old object came back, the store would show the wrong picture.
 * @param object what the rendition was made of
 */
async function purgeIfChanged(
  { bucket, key, variant }: RenditionId,
  object: OpenedObject,
  context: Context,
  saved?: SavedRendition,
): Promise<void> {
  if (!saved && !context.cache) return; // nothing is kept anywhere

  const current = await openAgain(bucket, key, context, object.credential);
  if (!hasChanged(current, object, variant)) return;

  const deleting = saved && deleteSaved(saved, isRefusal(current));
  await Promise.all([purgeObject(bucket, key, context), deleting]);
}

/**
 * Asks S3 once more for an object that was missing, so that the one of a later bucket was rendered in its place. If the
 * object is there by now, what was answered is purged.
 */
export async function purgeIfAppeared(
  { bucket, key }: RenditionId,
  context: Context,
): Promise<void> {
  if (!context.cache) return; // nothing is kept

  // S3 denies only objects that may exist: any other would be missing.
  const current = await openAgain(bucket, key, context);
  const mayExist = !isRefusal(current) || current.event === "object-denied";
  if (mayExist) await purgeObject(bucket, key, context);
}

function openAgain(
  bucket: Bucket,
  key: string,
  context: Context,
  credential?: Credential,
): Promise<OpenedObject | Refusal> {
  const deadline = Date.now() + S3_TIMEOUT_MS;
  return openObject(bucket, key, { context, deadline, credential, part: "head" });
}

/** Returns whether an object is certainly another one than before, gone or denied. An S3 that fails proves nothing. */
function hasChanged(
  current: OpenedObject | Refusal,
  before: OpenedObject,
  variant: Variant,
): boolean {
  if (isRefusal(current)) return isGone(current) || current.event === "object-denied";

  return sourceOf(current, variant) !== sourceOf(before, variant);
}

/** Returns what a rendition of the variant takes from an object: its bytes, and its focal point if the preset uses it. */
function sourceOf(object: OpenedObject, variant: Variant): string {
  return JSON.stringify([object.validator, focusOf(variant, object)]);
}

/** Deletes the rendition that this request stored. @param isRefused whether S3 does not give the object any more */
async function deleteSaved({ path, etag }: SavedRendition, isRefused: boolean): Promise<void> {
  // Another request may have stored a rendition of the new object by now: that one stays.
  if (!isRefused) {
    const entry = await readEntry(path);
    if (entry?.rendition?.etag !== etag) return;
  }

  await deleteNames(path.store, [path.name]);
}

/** Purges from Workers Cache all renditions of an object, and all answers that may show it. */
async function purgeObject(bucket: Bucket, key: string, { cache }: Context): Promise<void> {
  if (!cache) return;

  const tag = await objectTag(bucket, key);
  const purging = cache.purge({ tags: [tag] });
  const result = await purging.catch((error) => ({ success: false, errors: [error] }));
  if (result.success) return;

  const messages = result.errors.map(({ message }) => message);
  const name = `${bucket.name}/${key.slice(bucket.prefix.length)}`;
  const reason = `cache: ${messages.join("; ")}`;
  logNotice({ event: "purge-failed", reason, objects: 1, first: [name] });
}
