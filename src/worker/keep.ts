// What follows a rendition that was made: it is stored, and S3 is asked once more, so that nothing stays of an object
// that was deleted or replaced meanwhile.

import type { NamedRendition } from "./cache/cached-answer.ts";
import { objectTag, type RenditionKey } from "./cache/rendition-url.ts";
import { isRequestedType } from "./edge/guard.ts";
import { isRefusal, type Refusal } from "./http/refusal.ts";
import { cancelBody, type RequestScope } from "./http/send.ts";
import { type OpenedObject, openObject, S3_TIMEOUT_MS } from "./origin/open-object.ts";
import { isGone } from "./origin/verdict.ts";
import { focusOf } from "./request/focus.ts";
import { createTransformRequest } from "./request/format.ts";
import {
  deleteNames,
  MAX_BYTES,
  type Place,
  putRendition,
  type StoreEntry,
} from "./store/rendition-store.ts";
import { readBytes } from "./util/bytes.ts";
import { TIMED_OUT, withTimeout } from "./util/time.ts";

/**
 * Reads a rendition whole, if it is to be stored: what has the type that was asked for, of an object with an ETag. The
 * rest is done after the answer.
 * @param object what it was made of
 * @param entry what was in its place; undefined: it is not stored
 */
export async function keep(
  key: RenditionKey,
  rendition: NamedRendition,
  object: OpenedObject,
  place: Place | undefined,
  entry: StoreEntry | undefined,
  { context, deadline }: RequestScope,
): Promise<NamedRendition | Refusal> {
  const { body, etag, type, length = "0" } = rendition;
  const isRight = isRequestedType(createTransformRequest(key.variant, key.formats), type);
  const isStored = isRight && object.etag && Number(length) <= MAX_BYTES;
  if (!isStored || !place || !entry || !etag || !body) {
    context.waitUntil(checkAgain(key, object, context));
    return rendition;
  }
  const [copy, whole] = body.tee();
  const bytes = await readBytes(copy, MAX_BYTES, deadline).catch(() => undefined);
  if (bytes === "too-long") {
    context.waitUntil(checkAgain(key, object, context));
    return { ...rendition, body: whole };
  }
  cancelBody(whole);
  if (bytes === TIMED_OUT) return { event: "timed-out", reason: "no rendition in time" };
  if (!bytes || (rendition.length && Number(length) !== bytes.length)) {
    return { event: "edge-failed", reason: "the rendition broke off" };
  }
  const store = async () => {
    const putting = putRendition(place, key, { bytes, type, etag }, entry, Date.now());
    // What does not answer may have been written.
    const isPut = (await withTimeout(S3_TIMEOUT_MS, putting)) !== false;
    await checkAgain(key, object, context, isPut ? place : undefined);
  };
  context.waitUntil(store());
  return { ...rendition, body: new Response(bytes).body, length: `${bytes.length}` };
}

/**
 * Asks S3 once more for an object of which a rendition was made. What was deleted, denied or replaced meanwhile is
 * purged. Of a replaced object the store may have the new rendition by now, so it deletes nothing.
 * @param object what it was made of
 * @param stored where its rendition was stored, if it was
 */
async function checkAgain(
  rendition: RenditionKey,
  object: OpenedObject,
  context: RequestScope["context"],
  stored?: Place,
): Promise<void> {
  if (!stored && !context.cache) return; // nothing is kept
  const deadline = Date.now() + S3_TIMEOUT_MS;
  const { bucket, key, variant } = rendition;
  const { credential } = object;
  const opened = await openObject(bucket, key, { part: "head", context, deadline, credential });
  const isRefused = isRefusal(opened);
  const focusText = (one: OpenedObject) => JSON.stringify(focusOf(variant, one));
  const isSame = isRefused
    ? !isGone(opened) && opened.event !== "object-denied"
    : opened.validator === object.validator && focusText(opened) === focusText(object);
  if (isSame) return;
  await Promise.all([
    purgeObject(rendition, context),
    isRefused && stored && deleteNames(stored.store, [stored.name]),
  ]);
}

/** Has Workers Cache drop all renditions of an object, and all answers that may show it. */
export async function purgeObject(
  { bucket, key }: RenditionKey,
  { cache }: RequestScope["context"],
): Promise<void> {
  await cache?.purge({ tags: [await objectTag(bucket, key)] });
}
