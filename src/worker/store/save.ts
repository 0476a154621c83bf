// Stores a new rendition, and checks its object in S3 once more: nothing stays cached or stored of an object that was
// deleted or replaced meanwhile.

import type { NamedRendition } from "../cache/cached-answer.ts";
import { objectTag, type RenditionKey } from "../cache/rendition-url.ts";
import { isRequestedType } from "../edge/guard.ts";
import { isRefusal, type Refusal } from "../http/refusal.ts";
import { cancelBody, type RequestScope } from "../http/send.ts";
import { type OpenedObject, openObject, S3_TIMEOUT_MS } from "../origin/open-object.ts";
import { isGone } from "../origin/verdict.ts";
import { focusOf } from "../request/focus.ts";
import { createTransformRequest } from "../request/transform-request.ts";
import { readBytes } from "../util/bytes.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import {
  deleteNames,
  MAX_BYTES,
  putRendition,
  type StoreEntry,
  type StorePath,
} from "./entries.ts";

/**
 * Reads a rendition whole, if it is to be stored: it has the requested type, and its object an ETag. The put follows
 * after the answer.
 * @param object the source of the rendition
 * @param entry what the store had under this path; undefined: it is not stored
 */
export async function saveRendition(
  key: RenditionKey,
  rendition: NamedRendition,
  object: OpenedObject,
  storePath: StorePath | undefined,
  entry: StoreEntry | undefined,
  { context, deadline }: RequestScope,
): Promise<NamedRendition | Refusal> {
  const { body, etag, type, length = "0" } = rendition;
  const isRight = isRequestedType(createTransformRequest(key.variant, key.formats), type);
  const isStored = isRight && object.etag && Number(length) <= MAX_BYTES;
  if (!isStored || !storePath || !entry || !etag || !body) {
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
    const putting = putRendition(storePath, key, { bytes, type, etag }, entry, Date.now());
    // What does not answer may have been written.
    const isPut = (await withTimeout(S3_TIMEOUT_MS, putting)) !== false;
    await checkAgain(key, object, context, isPut ? storePath : undefined);
  };
  context.waitUntil(store());
  return { ...rendition, body: new Response(bytes).body, length: `${bytes.length}` };
}

/**
 * Requests the object of a new rendition once more. What was deleted, denied or replaced meanwhile is purged. The store
 * may have the new rendition of a replaced object by now, so nothing is deleted there.
 * @param object the source of the rendition
 * @param stored where the rendition was stored, if it was
 */
async function checkAgain(
  rendition: RenditionKey,
  object: OpenedObject,
  context: RequestScope["context"],
  stored?: StorePath,
): Promise<void> {
  if (!stored && !context.cache) return; // nothing is cached
  const deadline = Date.now() + S3_TIMEOUT_MS;
  const { bucket, key, variant } = rendition;
  const { credential } = object;
  const opened = await openObject(bucket, key, { part: "head", context, deadline, credential });
  const isRefused = isRefusal(opened);
  const focusText = (version: OpenedObject) => JSON.stringify(focusOf(variant, version));
  const isSame = isRefused
    ? !isGone(opened) && opened.event !== "object-denied"
    : opened.validator === object.validator && focusText(opened) === focusText(object);
  if (isSame) return;
  await Promise.all([
    purgeObject(rendition, context),
    isRefused && stored && deleteNames(stored.store, [stored.name]),
  ]);
}

/** Purges all renditions of an object from Workers Cache, and all answers that may show it. */
export async function purgeObject(
  { bucket, key }: RenditionKey,
  { cache }: RequestScope["context"],
): Promise<void> {
  await cache?.purge({ tags: [await objectTag(bucket, key)] });
}
