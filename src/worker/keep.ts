// What follows a rendition that was made: it is stored, and S3 is asked once more, so that nothing stays of an object
// that was deleted or replaced meanwhile.

import { readBytes } from "./base/bytes.ts";
import { isRefusal, type Refusal } from "./base/refusal.ts";
import { cancelBody, type RequestScope } from "./base/send.ts";
import { TIMED_OUT } from "./base/time.ts";
import type { NamedRendition } from "./cache/cached-answer.ts";
import { objectTag, type RenditionKey } from "./cache/rendition-url.ts";
import { isAskedFor } from "./edge/guard.ts";
import { type OpenedObject, openObject, S3_TIMEOUT_MS } from "./origin/open-object.ts";
import { isGone } from "./origin/verdict.ts";
import { createTransformRequest } from "./request/format.ts";
import { deleteNames, type Place, putRendition } from "./store/rendition-store.ts";

/** The longest rendition that is stored. It must fit into the memory: bytes. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Where a rendition is to be stored, and R2's ETag of what was there before. */
export type Target = { readonly place: Place; readonly seen: string | null };

/**
 * Reads a rendition whole, if it is to be stored: only what has the type that was asked for, of an object with an
 * ETag. The rest is done after the answer.
 * @param object what it was made of
 * @param target undefined: it is not stored
 */
export async function keep(
  key: RenditionKey,
  rendition: NamedRendition,
  object: OpenedObject,
  target: Target | undefined,
  scope: RequestScope,
): Promise<NamedRendition | Refusal> {
  const { context, deadline } = scope;
  const { etag, type, length } = rendition;
  const isRight = isAskedFor(createTransformRequest(key.variant, key.formats), type);
  const isShort = length === undefined || Number(length) <= MAX_BYTES;
  if (!target || !etag || !object.etag || !isRight || !isShort || !rendition.body) {
    context.waitUntil(checkAgain(key, object, scope));
    return rendition;
  }
  const [copy, body] = rendition.body.tee();
  try {
    const bytes = await readBytes(copy, MAX_BYTES, deadline);
    if (bytes === "too-long") {
      context.waitUntil(checkAgain(key, object, scope));
      return { ...rendition, body };
    }
    cancelBody(body);
    if (bytes === TIMED_OUT) return { event: "timed-out", reason: "no whole rendition in time" };
    if (length !== undefined && Number(length) !== bytes.length) return BROKEN_OFF;
    const { place, seen } = target;
    const store = async () => {
      const isStored = await putRendition(place, key, { bytes, type, etag }, seen, Date.now());
      await checkAgain(key, object, scope, isStored ? place : undefined);
    };
    context.waitUntil(store());
    return { ...rendition, body: new Response(bytes).body, length: `${bytes.length}` };
  } catch {
    return BROKEN_OFF;
  }
}

const BROKEN_OFF = { event: "edge-failed", reason: "the rendition broke off" } as const;

/**
 * Asks S3 once more for an object of which a rendition was made. What was deleted or replaced meanwhile is purged.
 * @param stored where its rendition is stored now, if it is
 */
async function checkAgain(
  { bucket, key }: RenditionKey,
  { validator, credential }: OpenedObject,
  { context }: RequestScope,
  stored?: Place,
): Promise<void> {
  if (!stored && !context.cache) return; // nothing is kept
  const options = { part: "head", deadline: Date.now() + S3_TIMEOUT_MS } as const;
  const opened = await openObject(
    bucket,
    key,
    { ...options, ...(credential && { credential }) },
    context,
  );
  const isChanged = isRefusal(opened) ? isGone(opened) : opened.validator !== validator;
  if (!isChanged) return;
  await Promise.all([
    context.cache?.purge({ tags: [await objectTag(bucket, key)] }),
    stored && deleteNames(stored.store, [stored.name]),
  ]);
}
