// Step 14 of a request, "answer, then store": the visitor gets the rendition, and the store gets the same bytes after the
// answer. Then S3 is asked once more, since an object may be replaced, denied or deleted while its rendition is made.
// Otherwise the store and Workers Cache would go on showing a picture that was taken down. docs/how-it-works.md has the
// steps.

import type { NamedRendition } from "../cache/cached-answer.ts";
import type { GatewayScope } from "../cache/loopback.ts";
import { mayBeCached, purgeObject } from "../cache/purge-object.ts";
import type { RenditionId } from "../cache/rendition-url.ts";
import type { Bucket } from "../config/bucket.ts";
import type { Variant } from "../config/preset.ts";
import { isRefusal, type Refusal } from "../http/refusal.ts";
import { type Context, cancelBody, type RequestScope } from "../http/send.ts";
import { openObject } from "../origin/open-object.ts";
import { type Credential, type OpenedObject, S3_TIMEOUT_MS } from "../origin/opened-object.ts";
import { isGone } from "../origin/verdict.ts";
import { focusOf } from "../request/focus.ts";
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

/** What a run needs to save its rendition. */
type SaveScope = RequestScope & Pick<GatewayScope, "config">;

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
  scope: SaveScope,
): Promise<NamedRendition | Refusal> {
  const { context, deadline } = scope;
  const { body, etag, type, length } = rendition;

  // A rendition is stored in the format that came, if its object has an ETag, and it is not too long.
  const isTooLong = length !== undefined && Number(length) > MAX_STORED_BYTES;
  const isStorable = object.etag !== undefined && !isTooLong;

  // Without an entry, the store is not used. Without an ETag, it is not certain what the rendition was made of.
  if (!isStorable || !entry || !body || !etag) {
    // Workers Cache keeps the answer even if the store does not.
    context.waitUntil(purgeIfChanged(id, object, scope));
    return rendition;
  }

  // One copy is read here. If it proves too long to be stored, the visitor gets the other one as it comes.
  const [copy, otherCopy] = body.tee();
  const bytes = await readBytes(copy, MAX_STORED_BYTES, deadline).catch(() => undefined);
  if (bytes === "too-long") {
    context.waitUntil(purgeIfChanged(id, object, scope));
    return { ...rendition, body: otherCopy };
  }
  cancelBody(otherCopy);

  if (bytes === TIMED_OUT) return { event: "timed-out", reason: "no rendition in time" };

  // The body broke off with an error (`bytes` is undefined), is empty, or is not as long as the engine promised.
  const isWhole = length === undefined || Number(length) === bytes?.length;
  if (!bytes?.length || !isWhole) {
    return { event: "edge-failed", reason: "the rendition broke off" };
  }

  context.waitUntil(storeAndCheck(id, { bytes, type, etag }, object, entry, scope));
  return { ...rendition, body: new Response(bytes).body, length: `${bytes.length}` };
}

async function storeAndCheck(
  id: RenditionId,
  rendition: WholeRendition,
  object: OpenedObject,
  entry: StoreEntry,
  scope: SaveScope,
): Promise<void> {
  const putting = putRendition(entry, id, rendition, Date.now());
  const putResult = await withTimeout(S3_TIMEOUT_MS, putting);

  // A put that takes too long (TIMED_OUT) may have been written, too.
  const mayBeWritten = putResult !== false;
  const saved = mayBeWritten ? { path: entry.path, etag: rendition.etag } : undefined;
  await purgeIfChanged(id, object, scope, saved);
}

/** What this request has put into the store, or may have. */
type SavedRendition = { readonly path: StorePath; readonly etag: string };

/**
 * Asks S3 once more for the object of a new rendition. If the object was replaced, denied or deleted meanwhile, its
 * answers are purged from Workers Cache, and the new rendition is deleted from the store.
 *
 * An example: S3 names the ETag of a cat. A moment later, the cat is replaced by a dog, and the edge fetches the dog.
 * Now the store has a dog under the ETag of the cat. If the cat is uploaded again, its ETag matches: a dog is shown.
 * @param object what the rendition was made of, as S3 described it
 * @param saved undefined if nothing was stored
 */
async function purgeIfChanged(
  { bucket, key, variant }: RenditionId,
  object: OpenedObject,
  scope: SaveScope,
  saved?: SavedRendition,
): Promise<void> {
  // There may be no cache, and nothing is stored: then nothing is kept anywhere.
  if (!saved && !mayBeCached(scope)) return;
  const { context } = scope;

  const current = await openAgain(bucket, key, context, object.credential);
  if (!hasChanged(current, object, variant)) return;

  const isGoneOrDenied = isRefusal(current); // no other refusal counts as a change
  const deleting = saved && deleteSaved(saved, isGoneOrDenied);
  await Promise.all([purgeObject(bucket, key, context), deleting]);
}

/**
 * Asks S3 once more for an object that was missing in its bucket, so that the route's next bucket gave the picture. If
 * the missing object is there by now, that picture is purged from Workers Cache.
 */
export async function purgeIfAppeared(
  { bucket, key }: RenditionId,
  scope: SaveScope,
): Promise<void> {
  if (!mayBeCached(scope)) return;
  const { context } = scope;

  // Before, S3 answered 404. If it answers 403 now, something has changed, and the object may exist.
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

/**
 * Returns what a rendition of the variant takes from an object: its bytes, which the validator names (mostly by S3's
 * ETag), and its focal point if the preset uses it.
 */
function sourceOf(object: OpenedObject, variant: Variant): string {
  return JSON.stringify([object.validator, focusOf(variant, object)]);
}

/**
 * Deletes the rendition that this request stored.
 * @param isGoneOrDenied false: the object was replaced
 */
async function deleteSaved({ path, etag }: SavedRendition, isGoneOrDenied: boolean): Promise<void> {
  // If the store has another ETag by now, another request has stored a rendition of the new object: leave it.
  if (!isGoneOrDenied) {
    const entry = await readEntry(path);
    if (entry?.rendition?.etag !== etag) return;
  }

  await deleteNames(path.store, [path.name]);
}
