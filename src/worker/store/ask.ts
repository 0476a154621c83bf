// Step 8 of a request, "ask": S3 for the object's first bytes, and the store for its rendition, at the same time. Visitors
// must not wait for an S3 that is down where a rendition is stored. So S3 gets less time then, and an S3 that did not
// answer (a "silent" one) is tried by one request in five seconds; the others take what is stored.

import type { RenditionId } from "../cache/rendition-url.ts";
import type { Bucket } from "../config/bucket.ts";
import { canRetry, detailsOf, isRefusal, type Refusal } from "../http/refusal.ts";
import type { RequestScope } from "../http/send.ts";
import { type BucketMemory, bucketMemoryOf } from "../origin/memories.ts";
import { openObject } from "../origin/open-object.ts";
import type { OpenedObject } from "../origin/opened-object.ts";
import { isWithin, pauseBefore, TIMED_OUT, withTimeout } from "../util/time.ts";
import type { LazyEntry, StoreEntry } from "./entries.ts";

/** S3 did not answer: not at all, or not in the time that it has where a rendition is stored. */
export const NO_ANSWER = {
  event: "timed-out",
  reason: "no answer in time",
} as const satisfies Refusal;

/** A silent S3 gets one request in this time: ms. */
const SILENT_MS = 5_000;

/** Returns whether the S3 of a bucket did not answer a moment ago, or is just being tried by another request. */
export function isSilent(bucket: Bucket): boolean {
  const { silentAt } = bucketMemoryOf(bucket).state();
  return isWithin(SILENT_MS, silentAt, Date.now());
}

type AskScope = RequestScope & {
  /** Whether Workers Cache has an older rendition, which can be shown. */
  readonly hasOlder?: boolean;
};

/**
 * Opens the first bytes of an object. Where nothing could be shown in its place, an S3 that is busy is asked twice.
 * @param entry the store's entry for the rendition. It is read here, unless Workers Cache only revalidates: S3 then
 *   mostly replies that nothing changed
 */
export async function askForObject(
  { bucket, key }: Pick<RenditionId, "bucket" | "key">,
  entry: LazyEntry,
  scope: AskScope,
): Promise<OpenedObject | Refusal> {
  const { context, deadline, hasOlder } = scope;
  const memory = bucketMemoryOf(bucket);
  const began = Date.now();

  // While this request tries a silent S3, all others find it silent.
  const wasSilent = memory.state().silentAt !== undefined;
  if (wasSilent) memory.learn({ type: "s3-requested", isSilent: true, now: began });

  const reading = hasOlder ? undefined : entry.prefetch();
  let object = await waitForObject(openHead(bucket, key, scope), reading, began, context);

  // S3 asks clients that it refused as busy to try again (A9).
  if (canRetry(object) && !(await canShowOther(entry, hasOlder))) {
    const isInTime = await pauseBefore(deadline);
    if (isInTime) object = await openHead(bucket, key, scope);
  }

  learnSilence(memory, object, began);
  return object;
}

function openHead(
  bucket: Bucket,
  key: string,
  { context, deadline }: RequestScope,
): Promise<OpenedObject | Refusal> {
  return openObject(bucket, key, { part: "head", context, deadline });
}

/** Returns whether a picture can be shown without this object: an older one, or a stored one. */
async function canShowOther(entry: LazyEntry, hasOlder: boolean | undefined): Promise<boolean> {
  if (hasOlder) return true;

  const stored = await entry.read();
  return stored?.rendition !== undefined;
}

/** How long S3 may take where the rendition is stored: ms. */
const STORED_TIMEOUT_MS = 2_000;

/** Waits for S3: less long where the rendition is stored. Then a later answer of S3 is awaited in the background. */
async function waitForObject(
  opening: Promise<OpenedObject | Refusal>,
  reading: Promise<StoreEntry | undefined> | undefined,
  began: number,
  context: RequestScope["context"],
): Promise<OpenedObject | Refusal> {
  if (reading === undefined) return opening;

  // Whichever is first: S3's answer; or the store's, and then S3's with a limit of time.
  const limitedOpening = reading.then((entry) => limitOpening(opening, entry, began));
  const object = await Promise.race([opening, limitedOpening]);
  if (object !== TIMED_OUT) return object;

  context.waitUntil(opening);
  return NO_ANSWER;
}

function limitOpening(
  opening: Promise<OpenedObject | Refusal>,
  entry: StoreEntry | undefined,
  began: number,
): Promise<OpenedObject | Refusal | typeof TIMED_OUT> {
  if (entry?.rendition === undefined) return opening;

  const timeLeft = began + STORED_TIMEOUT_MS - Date.now();
  return withTimeout(timeLeft, opening);
}

/** An S3 that works answers within this time. A request that had less time left proves nothing about S3: ms. */
const PROOF_MS = 500;

/** Remembers for the next requests whether S3 answers. */
function learnSilence(memory: BucketMemory, object: OpenedObject | Refusal, began: number): void {
  const now = Date.now();
  const isSilentNow = isUnanswered(object) && now - began >= PROOF_MS;
  memory.learn({ type: "s3-requested", isSilent: isSilentNow, now });
}

/** Returns whether no answer came at all. A time-out with a status was reported by a host in front of S3. */
function isUnanswered(object: OpenedObject | Refusal): boolean {
  if (!isRefusal(object)) return false;
  return object.event === "timed-out" && detailsOf(object).status === undefined;
}
