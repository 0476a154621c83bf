// Step 8 of a request, "ask": S3 for the object's first bytes, and the store for its rendition, at the same time. Visitors
// must not wait for an S3 that is down if a rendition is stored. So S3 gets less time then. And an S3 that did not answer
// for two objects (a "silent" one) is tried by one request in five seconds, while the others take what is stored. Codes
// such as A9 are rules of docs/rules.md.

import type { RenditionId } from "../cache/rendition-url.ts";
import type { Bucket } from "../config/bucket.ts";
import { canRetry, isRefusal, type Refusal } from "../http/refusal.ts";
import type { RequestScope } from "../http/send.ts";
import { hasSilence, isLate, isSilent } from "../origin/bucket-state.ts";
import { bucketMemoryOf } from "../origin/memories.ts";
import { openObject } from "../origin/open-object.ts";
import type { OpenedObject } from "../origin/opened-object.ts";
import { isOutage } from "../origin/verdict.ts";
import { pauseBefore, TIMED_OUT, withTimeout } from "../util/time.ts";
import { isUnconfirmed, type LazyEntry, type StoreEntry } from "./entries.ts";

/** S3 did not answer at all, or not in the short time that it has if a rendition is stored. */
export const NO_ANSWER = {
  event: "timed-out",
  reason: "no answer in time",
} as const satisfies Refusal;

/** Returns whether the S3 of a bucket did not answer a moment ago, or is just being tried by another request. */
export function isBucketSilent(bucket: Bucket): boolean {
  return isSilent(bucketMemoryOf(bucket).state(), Date.now());
}

/** A request that waited for less than this, as its deadline was near, cannot tell a silent S3 from a slow one: ms. */
const PROOF_MS = 500;

type AskScope = RequestScope & {
  /** Whether Workers Cache has an older rendition, which can be shown. */
  readonly hasOlder?: boolean;
};

/**
 * Opens the first bytes of an object, and begins to read the store's entry for its rendition. An S3 that is busy is asked
 * twice, unless a picture can be shown without it.
 */
export async function askForObject(
  id: Pick<RenditionId, "bucket" | "key">,
  entry: LazyEntry,
  scope: AskScope,
): Promise<OpenedObject | Refusal> {
  const { bucket, key } = id;
  const { context, deadline, hasOlder } = scope;
  const memory = bucketMemoryOf(bucket); // what earlier requests learned about the S3 of the bucket
  const began = Date.now();

  // S3 was silent, and has not answered since. This request tries it. Meanwhile, `isBucketSilent` is true for all others,
  // for five seconds at most.
  const state = memory.state();
  const isTry = hasSilence(state, began) && !isSilent(state, began);
  if (isTry) memory.learn({ type: "s3-requested", key, isAnswered: false, now: began });

  // Where Workers Cache has an older rendition, S3 mostly replies that nothing changed: the store is not needed. `prefetch`
  // sets no limit of time. `entry.read` of `hasOtherPicture` waits for a second at most.
  const reading = hasOlder ? undefined : entry.prefetch();

  // If one slot (a key pair of the bucket) is denied the object, that has to be known before a stored rendition is shown.
  const denialDeadline = reading && began + STORED_TIMEOUT_MS - DENIAL_LEAD_MS;
  const options = { part: "head", context, deadline } as const;
  const opening = openObject(bucket, key, { ...options, denialDeadline });

  // S3 was late for this object before, and may deny it. So nothing that is stored is shown before S3 answers.
  const isWaitedFor = isLate(state, key, began);
  let object = isWaitedFor
    ? await opening
    : await waitForObject(id, opening, reading, began, context);

  // S3 asks clients that it refused as busy to try again (A9). A visitor who can see another picture does not wait.
  if (canRetry(object)) {
    const hasOther = await hasOtherPicture(object, entry, hasOlder);
    const hasTime = !hasOther && (await pauseBefore(deadline));
    if (hasTime) object = await tryAgain(object, openObject(bucket, key, options));
  }

  // Remember for the next requests whether S3 answers. A time-out with a status is an answer: a 504, for example, by a
  // host in front of S3. A time-out after less than PROOF_MS proves nothing.
  const now = Date.now();
  const isAnswered =
    !isRefusal(object) || object.event !== "timed-out" || object.status !== undefined;
  const isProved = isAnswered || now - began >= PROOF_MS;
  if (isProved) memory.learn({ type: "s3-requested", key, isAnswered, now });
  return object;
}

/** Returns what a second request gives. A denial of the first one stays if S3 does not answer any more. */
async function tryAgain(
  first: OpenedObject | Refusal,
  opening: Promise<OpenedObject | Refusal>,
): Promise<OpenedObject | Refusal> {
  const second = await opening;
  const isDenied = isRefusal(first) && first.event === "object-denied";
  const isUnanswered = isRefusal(second) && isOutage(second);
  return isDenied && isUnanswered ? first : second;
}

/** Returns whether a visitor can see a picture while S3 is busy: one of Workers Cache, or a stored one. */
async function hasOtherPicture(
  object: OpenedObject | Refusal,
  entry: LazyEntry,
  hasOlder: boolean | undefined,
): Promise<boolean> {
  // S3 is busy for one slot, and denies the object to the other one: nothing older may be shown.
  const isDenied = isRefusal(object) && object.event === "object-denied";
  if (isDenied) return false;
  if (hasOlder) return true;

  const stored = await entry.read();
  return canShowInOutage(stored);
}

/** Returns whether what is stored may be shown in an outage. */
function canShowInOutage(entry: StoreEntry | undefined): boolean {
  if (!entry?.rendition) return false;
  return !isUnconfirmed(entry, Date.now());
}

/** How long S3 may take if the rendition is stored: ms. */
const STORED_TIMEOUT_MS = 2_000;

/**
 * A denial to one slot is known by so much earlier, while the other slot gets no answer: ms. Otherwise, the object would
 * count as unanswered, and the stored rendition would be shown.
 */
const DENIAL_LEAD_MS = 100;

/**
 * Waits for S3, for a shorter time if the rendition is stored. A later answer of S3 is awaited in the background, and
 * remembered: the next request for this object waits for S3, which may deny it.
 * @param reading undefined: the store is not read
 * @param began when S3 was asked: ms since 1970
 */
async function waitForObject(
  { bucket, key }: Pick<RenditionId, "bucket" | "key">,
  opening: Promise<OpenedObject | Refusal>,
  reading: Promise<StoreEntry | undefined> | undefined,
  began: number,
  context: RequestScope["context"],
): Promise<OpenedObject | Refusal> {
  if (!reading) return opening;

  // Once the store has given a rendition, S3 has what is left of its two seconds, or this ends with TIMED_OUT.
  const limitedOpening = reading.then((entry) => {
    if (!canShowInOutage(entry)) return opening;
    return withTimeout(began + STORED_TIMEOUT_MS - Date.now(), opening);
  });

  const object = await Promise.race([opening, limitedOpening]);
  if (object !== TIMED_OUT) return object;

  const learning = opening.then((late) => {
    const isAboutObject = !isRefusal(late) || !isOutage(late);
    if (isAboutObject) bucketMemoryOf(bucket).learn({ type: "s3-late", key, now: Date.now() });
  });
  context.waitUntil(learning);
  return NO_ANSWER;
}
