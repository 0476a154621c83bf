// Step 14 of a request, "answer, then store": the visitor gets the rendition, and the store (an R2 bucket of renditions) gets
// the same bytes after the answer. Then S3 is asked once more: while an answer is on its way, its object may be replaced,
// denied or deleted, and purged. Without this, the store and Workers Cache would go on showing a picture that was taken down.
// The answer may be a new picture, a stored one, or a 304.

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
import { passOn, readExactly, readUpTo } from "../util/bytes.ts";
import { openReservation, type Reservation, release, tryReserve } from "../util/memory-budget.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import { deleteNames, deleteOwn, isStillStored } from "./delete.ts";
import {
  MAX_STORED_BYTES,
  putRendition,
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
  if (!isStorable || !entry || !body || !etag) return answerAndCheck(id, rendition, object, scope);

  const reservation = openReservation(deadline);
  const reading = await readForStore(body, length, deadline, reservation);
  switch (reading.kind) {
    case "whole": {
      const { bytes } = reading;
      const storing = storeAndCheck(id, { bytes, type, etag }, object, entry, scope);
      context.waitUntil(storing.finally(() => release(reservation)));

      const wholeRendition = {
        ...rendition,
        body: new Response(bytes).body,
        length: `${bytes.length}`,
      };
      return answerWhole(id, wholeRendition, object, storing, scope);
    }

    case "longer":
      release(reservation);
      return answerAndCheck(id, { ...rendition, body: reading.body }, object, scope);

    case "late":
      release(reservation);
      return { event: "timed-out", reason: "no rendition in time" };

    case "broken":
      release(reservation);
      return { event: "edge-failed", reason: "the rendition broke off" };
  }
}

/**
 * Returns a rendition that is being stored. Workers Cache may keep it once all of it has come. If a visitor reads
 * so slowly that S3 was asked before that, S3 is asked again.
 * @param storing ends when S3 was asked once more
 */
function answerWhole(
  id: RenditionId,
  rendition: NamedRendition,
  object: OpenedObject,
  storing: Promise<void>,
  scope: SaveScope,
): NamedRendition {
  if (!mayBeCached(id, scope)) return rendition;

  const passed = passOnRendition(rendition);
  scope.context.waitUntil(checkSlowAnswer(id, object, passed.ended, storing, scope));
  return passed.rendition;
}

/** Asks S3 again after an answer whose last bytes came later than the question that is a part of `storing`. */
async function checkSlowAnswer(
  id: RenditionId,
  object: OpenedObject,
  reading: Promise<void>,
  storing: Promise<void>,
  scope: SaveScope,
): Promise<void> {
  const isQuick = await Promise.race([reading.then(() => true), storing.then(() => false)]);
  if (isQuick) return;

  await reading;
  await checkAgain(id, object, scope);
}

/**
 * Returns a rendition that is not stored. Workers Cache may keep it all the same, once it has come whole: so S3 is asked
 * once more after its end.
 */
function answerAndCheck(
  id: RenditionId,
  rendition: NamedRendition,
  object: OpenedObject,
  scope: SaveScope,
): NamedRendition {
  if (!mayBeCached(id, scope)) return rendition;

  const passed = passOnRendition(rendition);
  scope.context.waitUntil(passed.ended.then(() => checkAgain(id, object, scope)));
  return passed.rendition;
}

/** A rendition whose body is passed on, and when all of it has been taken. */
type PassedRendition = { readonly rendition: NamedRendition; readonly ended: Promise<void> };

function passOnRendition(rendition: NamedRendition): PassedRendition {
  const { body, length } = rendition;
  if (!body) return { rendition, ended: Promise.resolve() };

  const byteLength = length === undefined ? undefined : Number(length);
  const passed = passOn(body, byteLength);
  return { rendition: { ...rendition, body: passed.body }, ended: passed.ended };
}

/** What came of reading a rendition. `longer`: its body can still be passed on. `late`, `broken`: it cannot. */
type StoreReading =
  | { readonly kind: "whole"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "longer"; readonly body: ReadableStream<Uint8Array> }
  | { readonly kind: "late" | "broken" };

/**
 * Reads a rendition whole, if it is short enough, and there is room for it in the memory. Nobody waits for room: a
 * rendition without it counts as longer.
 */
async function readForStore(
  body: ReadableStream<Uint8Array>,
  length: string | undefined,
  deadline: number,
  reservation: Reservation,
): Promise<StoreReading> {
  if (length === undefined) {
    const reading = await readUpTo(body, MAX_STORED_BYTES, deadline, reservation);
    if (reading.kind === "late") cancelBody(reading.body);

    const isEmpty = reading.kind === "whole" && reading.bytes.length === 0;
    return isEmpty ? { kind: "broken" } : reading;
  }

  const byteLength = Number(length);
  if (!tryReserve(reservation, byteLength)) return { kind: "longer", body };

  const bytes = await readExactly(body, byteLength, deadline);
  if (bytes === TIMED_OUT) return { kind: "late" };
  return bytes?.length ? { kind: "whole", bytes } : { kind: "broken" };
}

/** For how long a late put is waited for in the background: ms. The runtime ends such work 30 s after the answer. */
const LATE_PUT_MS = 15_000;

/**
 * How long an answer may take into Workers Cache: ms. A question before that would not see an object that is replaced and
 * purged in between: the old picture would come into the cache after the purge, and nobody would ask again.
 */
const ANSWER_MS = 1_000;

async function storeAndCheck(
  id: RenditionId,
  rendition: WholeRendition,
  object: OpenedObject,
  entry: StoreEntry,
  scope: SaveScope,
): Promise<void> {
  const saved = { path: entry.path, etag: rendition.etag };
  const putting = putRendition(entry, id, rendition, Date.now());
  let putResult = await withTimeout(S3_TIMEOUT_MS, putting);

  // A put that takes too long may still be written. Workers Cache does not wait for it, so S3 is asked now. When the put
  // has ended at last, S3 is asked again: the object may have been replaced and purged in between.
  if (putResult === TIMED_OUT) {
    await checkAgain(id, object, scope, saved);
    putResult = await withTimeout(LATE_PUT_MS, putting);

    // Nothing was written, or nothing can be done about it any more.
    if (putResult === false || putResult === TIMED_OUT) return;
  }

  const isWritten = putResult !== false;
  await checkAgain(id, object, scope, isWritten ? saved : undefined);
}

/** What this request has put into the store, or may have. */
type SavedRendition = { readonly path: StorePath; readonly etag: string };

/**
 * Asks S3 once more for the object of a new rendition. Unless it is the very same object, the rendition is deleted from
 * the store. If it was certainly replaced, denied or deleted, its answers are purged from Workers Cache, too.
 *
 * An example: S3 names the ETag of a cat. A moment later, the cat is replaced by a dog, and the edge fetches the dog.
 * Now the store has a dog under the ETag of the cat. If the cat is uploaded again, its ETag matches: a dog is shown.
 *
 * Another one: a picture is replaced and purged while its old rendition is on the way to the store. If S3 does not answer
 * this question, nobody knows of it any more, and the next outage would show the old picture.
 * @param object what the rendition was made of, as S3 described it
 * @param saved undefined if nothing was stored
 */
export async function checkAgain(
  id: RenditionId,
  object: OpenedObject,
  scope: SaveScope,
  saved?: SavedRendition,
): Promise<void> {
  const { bucket, key, variant } = id;

  // There may be no cache, and nothing is stored: then nothing is kept anywhere.
  if (!saved && !mayBeCached(id, scope)) return;
  await scheduler.wait(ANSWER_MS);

  const { context } = scope;
  const current = await openAgain(bucket, key, context, object.credential);
  const change = compare(current, object, variant);
  if (change === "none") return;

  const isCertain = change !== "possible";
  const purging = isCertain && purgeObject(bucket, key, context);
  await Promise.all([purging, saved && deleteSaved(saved, change)]);
}

/** Deletes the rendition that this request stored, or whatever is there of an object that is gone or denied. */
async function deleteSaved(saved: SavedRendition, change: Change): Promise<void> {
  const isDeleted = await tryToDelete(saved, change);
  if (isDeleted) return;

  // Nobody else will delete it, and the next outage would show it.
  await scheduler.wait(DELETE_AGAIN_MS);
  await tryToDelete(saved, change);
}

/** After how long a store that does not delete is tried once more: ms. */
const DELETE_AGAIN_MS = 5_000;

async function tryToDelete({ path, etag }: SavedRendition, change: Change): Promise<boolean> {
  if (change === "gone") return deleteNames(path.store, [path.name]);
  return deleteOwn(path, etag);
}

/**
 * Returns the rendition of a route's later bucket. When it has come whole, S3 is asked once more for the objects that were
 * missing in the buckets before. If one of them is there by now, the rendition is purged from Workers Cache.
 */
export function answerFromLaterBucket(
  missingIds: readonly RenditionId[],
  rendition: NamedRendition,
  scope: SaveScope,
): NamedRendition {
  const [first] = missingIds;
  if (!first || !mayBeCached(first, scope)) return rendition;

  const passed = passOnRendition(rendition);
  for (const missingId of missingIds) {
    scope.context.waitUntil(passed.ended.then(() => purgeIfAppeared(missingId, scope)));
  }
  return passed.rendition;
}

/**
 * Asks S3 once more for an object that was missing in its bucket, so that the route's next bucket gave the picture. If
 * the missing object is there by now, that picture is purged from Workers Cache.
 */
export async function purgeIfAppeared(id: RenditionId, scope: SaveScope): Promise<void> {
  const { bucket, key } = id;
  if (!mayBeCached(id, scope)) return;
  await scheduler.wait(ANSWER_MS);

  // Before, S3 answered 404. If it answers 403 now, something has changed, and the object may exist.
  const { context } = scope;
  const current = await openAgain(bucket, key, context);
  const mayExist = !isRefusal(current) || current.event === "object-denied";
  if (mayExist) await purgeObject(bucket, key, context);
}

/**
 * Returns the rendition of an entry of the store, and asks the store for it once more after the answer. A purge deletes from
 * the store first. If it has deleted this entry by then, it may have purged Workers Cache before the answer came there, so
 * the object is purged again.
 */
export function answerStored(
  id: RenditionId,
  rendition: NamedRendition,
  { path }: StoreEntry,
  scope: SaveScope,
): NamedRendition {
  if (!mayBeCached(id, scope)) return rendition;

  const passed = passOnRendition(rendition);
  const { etag } = rendition;
  scope.context.waitUntil(passed.ended.then(() => purgeIfDeleted(id, path, etag, scope)));
  return passed.rendition;
}

async function purgeIfDeleted(
  { bucket, key }: RenditionId,
  path: StorePath,
  etag: string | undefined,
  scope: SaveScope,
): Promise<void> {
  await scheduler.wait(ANSWER_MS);

  const isStored = await isStillStored(path, etag);
  if (!isStored) await purgeObject(bucket, key, scope.context);
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

/** What has happened to an object. `gone`: deleted, or denied. `possible`: S3 does not say whether anything has. */
type Change = "none" | "replaced" | "gone" | "possible";

/** Returns what has happened to an object since S3 described it. */
function compare(current: OpenedObject | Refusal, before: OpenedObject, variant: Variant): Change {
  if (isRefusal(current)) {
    const isGoneOrDenied = isGone(current) || current.event === "object-denied";
    return isGoneOrDenied ? "gone" : "possible";
  }

  const isSame = sourceOf(current, variant) === sourceOf(before, variant);
  return isSame ? "none" : "replaced";
}

/**
 * Returns what a rendition of the variant takes from an object: its bytes, which the validator names (mostly by S3's
 * ETag), and its focal point if the preset uses it.
 */
function sourceOf(object: OpenedObject, variant: Variant): string {
  return JSON.stringify([object.validator, focusOf(variant, object)]);
}
