// The first and the last step of a miss, also without a store. First: requests the object from S3 and its rendition
// from the store. Last: stores a new rendition, and requests the object once more. Nothing stays cached or stored of an
// object that was deleted or replaced meanwhile.

import type { NamedRendition } from "../cache/cached-answer.ts";
import { objectTag, type RenditionKey } from "../cache/rendition-url.ts";
import type { Bucket } from "../config/bucket.ts";
import type { Config } from "../config/config.ts";
import { isRequestedType } from "../edge/guard.ts";
import { canRetry, isRefusal, type Refusal } from "../http/refusal.ts";
import { cancelBody, type RequestScope } from "../http/send.ts";
import { logNotice } from "../log/log.ts";
import { type BucketMemory, bucketMemoryOf } from "../origin/memories.ts";
import { type OpenedObject, openObject, S3_TIMEOUT_MS } from "../origin/open-object.ts";
import { isGone } from "../origin/verdict.ts";
import { focusOf } from "../request/focus.ts";
import { createTransformRequest } from "../request/transform-request.ts";
import { readBytes } from "../util/bytes.ts";
import { isWithin, pauseBefore, TIMED_OUT, withTimeout } from "../util/time.ts";
import {
  deleteNames,
  MAX_BYTES,
  putRendition,
  readEntry,
  readFirstStored,
  type StoreEntry,
  type StorePath,
  waitForEntry,
} from "./entries.ts";

/** How long S3 may take where the rendition is stored: ms. */
const STORED_MS = 2_000;

/** An S3 that works answers within this time: ms. */
const ENOUGH_MS = 500;

/** An S3 that does not answer gets one request in this time: ms. */
const SILENT_MS = 5_000;

const NO_ANSWER = { event: "timed-out", reason: "no answer in time" } as const satisfies Refusal;

type Lookup = {
  readonly object: OpenedObject | Refusal;
  /** Undefined: there is no store, or the store failed or was not read. */
  readonly entry?: StoreEntry | undefined;
};

/**
 * Requests the first bytes of an object from S3, and its rendition from the store, at the same time. Where Workers Cache
 * only revalidates, the store is not read: S3 mostly replies that nothing changed.
 * @param alternatives what may be shown where nothing of this object is stored, and its S3 does not answer
 */
export async function lookUp(
  { bucket, key }: RenditionKey,
  storePath: StorePath | undefined,
  alternatives: readonly RenditionKey[],
  scope: RequestScope & { readonly config: Config; readonly hasOlder?: boolean },
): Promise<Lookup> {
  const { config, context, deadline, hasOlder } = scope;
  const memory = bucketMemoryOf(bucket);
  const began = Date.now();
  const { silentAt } = memory.state();
  const isSilent = isWithin(SILENT_MS, silentAt, began);
  let reading = storePath && (isSilent || !hasOlder) ? readEntry(storePath) : undefined;
  const finishReading = async () =>
    storePath && reading && waitForEntry(storePath, reading, deadline);

  // S3 did not answer a moment ago, or another request tries it now: a stored rendition is shown at once.
  if (isSilent) {
    const entry = await finishReading();
    const stored = entry?.rendition ? entry : await readFirstStored(alternatives, config, deadline);
    if (stored) return { object: NO_ANSWER, entry: stored };
    reading = Promise.resolve(entry);
  }
  // For the next SILENT_MS, only this request tries S3: other requests take stored renditions.
  if (silentAt !== undefined) memory.learn({ type: "s3-requested", isSilent: true, now: began });

  const open = () => openObject(bucket, key, { part: "head", context, deadline });
  let object = await waitForObject(open(), reading, began, context);
  const entry = await finishReading();
  const hasPicture = hasOlder || entry?.rendition;
  if (canRetry(object) && !hasPicture && (await pauseBefore(deadline))) object = await open(); // A9
  learnSilence(memory, object, began);
  return { object, entry };
}

/** Waits for S3: less long where the rendition is stored. A later answer of S3 is awaited in the background. */
async function waitForObject(
  opening: Promise<OpenedObject | Refusal>,
  reading: Promise<StoreEntry | undefined> | undefined,
  began: number,
  context: RequestScope["context"],
): Promise<OpenedObject | Refusal> {
  const limited = reading?.then((entry) => {
    return entry?.rendition ? withTimeout(began + STORED_MS - Date.now(), opening) : opening;
  });
  const object = await Promise.race([opening, limited ?? opening]);
  if (object !== TIMED_OUT) return object;
  context.waitUntil(opening);
  return NO_ANSWER;
}

/** Remembers for the next requests whether S3 answers. A request that had no time left proves nothing about S3. */
function learnSilence(memory: BucketMemory, object: OpenedObject | Refusal, began: number): void {
  const now = Date.now();
  const isUnanswered = isRefusal(object) && object.event === "timed-out" && !("status" in object);
  const isSilent = isUnanswered && now - began >= ENOUGH_MS;
  memory.learn({ type: "s3-requested", isSilent, now });
}

/**
 * Stores a new rendition, and requests its object once more: both after the answer. Only a rendition of the requested
 * type is stored, of an object with an ETag. The rendition is read whole first.
 * @param object the source of the rendition
 * @param entry what the store had under this path; undefined: the rendition is not stored
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
  const isRequested = isRequestedType(createTransformRequest(key.variant, key.formats), type);
  const isStorable = isRequested && object.etag && Number(length) <= MAX_BYTES;
  if (!isStorable || !storePath || !entry || !etag || !body) {
    context.waitUntil(checkAgain(key, object, context));
    return rendition;
  }
  const [copy, unread] = body.tee();
  const bytes = await readBytes(copy, MAX_BYTES, deadline).catch(() => undefined);
  if (bytes === "too-long") {
    context.waitUntil(checkAgain(key, object, context));
    return { ...rendition, body: unread };
  }
  cancelBody(unread);
  if (bytes === TIMED_OUT) return { event: "timed-out", reason: "no rendition in time" };
  if (!bytes?.length || (rendition.length && Number(length) !== bytes.length)) {
    return { event: "edge-failed", reason: "the rendition broke off" };
  }
  const store = async () => {
    const putting = putRendition(storePath, key, { bytes, type, etag }, entry, Date.now());
    // A put that times out may have been written.
    const isPut = (await withTimeout(S3_TIMEOUT_MS, putting)) !== false;
    await checkAgain(key, object, context, isPut ? { ...storePath, etag } : undefined);
  };
  context.waitUntil(store());
  return { ...rendition, body: new Response(bytes).body, length: `${bytes.length}` };
}

/**
 * Requests an object once more after the answer. If it was deleted, denied or replaced meanwhile, its renditions are
 * purged, and the new one leaves the store: the edge may have rendered the new object, and the older one may come back.
 * @param object the source of the new rendition; undefined: the object was gone, and the next one is shown
 * @param saved where the rendition was stored, and its ETag; undefined: it was not stored
 */
export async function checkAgain(
  { bucket, key, variant }: RenditionKey,
  object: OpenedObject | undefined,
  context: RequestScope["context"],
  saved?: StorePath & { readonly etag: string },
): Promise<void> {
  if (!saved && !context.cache) return; // nothing is cached
  const scope = { context, deadline: Date.now() + S3_TIMEOUT_MS, credential: object?.credential };
  const opened = await openObject(bucket, key, { ...scope, part: "head" });
  const isRefused = isRefusal(opened);
  const identityOf = ({ validator, ...version }: OpenedObject) =>
    JSON.stringify([validator, focusOf(variant, version)]);
  const isSame = isRefused
    ? isGone(opened)
      ? !object
      : opened.event !== "object-denied"
    : object && identityOf(opened) === identityOf(object);
  if (isSame) return;
  const purging = purgeObject(bucket, key, context);
  // Another visitor may have stored a rendition of the new object by now.
  const isOwn = saved && (isRefused || (await readEntry(saved))?.rendition?.etag === saved.etag);
  if (isOwn) await deleteNames(saved.store, [saved.name]);
  await purging;
}

/** Purges all renditions of an object from Workers Cache, and all answers that may show it. */
async function purgeObject(
  bucket: Bucket,
  key: string,
  { cache }: RequestScope["context"],
): Promise<void> {
  const purging = cache?.purge({ tags: [await objectTag(bucket, key)] });
  const result = await purging?.catch((error) => ({ success: false, errors: [error] }));
  if (!result || result.success) return;
  const name = `${bucket.name}/${key.slice(bucket.prefix.length)}`;
  const reason = `cache: ${result.errors.map(({ message }) => message).join("; ")}`;
  logNotice({ event: "purge-failed", reason, objects: 1, first: [name] });
}
