// Step 8 of a request, "ask": S3 for the object's first bytes, and the store for its rendition, at the same time. Visitors
// must not wait for an S3 that is down if a rendition is stored. So S3 gets less time then. And an S3 that did not answer
// (a "silent" one) is tried by one request in five seconds, while the others take what is stored.

import type { RenditionId } from "../cache/rendition-url.ts";
import type { Bucket } from "../config/bucket.ts";
import { canRetry, isRefusal, type Refusal } from "../http/refusal.ts";
import type { RequestScope } from "../http/send.ts";
import { bucketMemoryOf } from "../origin/memories.ts";
import { openObject } from "../origin/open-object.ts";
import type { OpenedObject } from "../origin/opened-object.ts";
import { isWithin, pauseBefore, TIMED_OUT, withTimeout } from "../util/time.ts";
import type { LazyEntry, StoreEntry } from "./entries.ts";

/** S3 did not answer at all, or not in the short time that it has if a rendition is stored. */
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

/** An S3 that works answers within this time. A request that had less time left proves nothing about S3: ms. */
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

  // Where Workers Cache has an older rendition, S3 mostly replies that nothing changed: the store is not needed.
  const reading = hasOlder ? undefined : entry.prefetch();
  const openHead = () => openObject(bucket, key, { part: "head", context, deadline });
  let object = await waitForObject(openHead(), reading, began, context);

  // S3 asks clients that it refused as busy to try again (A9). A visitor who can see another picture does not wait.
  if (canRetry(object) && !hasOlder) {
    const stored = await entry.read();
    const shouldRetry = !stored?.rendition && (await pauseBefore(deadline));
    if (shouldRetry) object = await openHead();
  }

  // Remember for the next requests whether S3 answers. A time-out with a status was reported by a host in front of S3.
  const now = Date.now();
  const isUnanswered =
    isRefusal(object) && object.event === "timed-out" && object.status === undefined;
  memory.learn({ type: "s3-requested", isSilent: isUnanswered && now - began >= PROOF_MS, now });
  return object;
}

/** How long S3 may take if the rendition is stored: ms. */
const STORED_TIMEOUT_MS = 2_000;

/** Waits for S3, for a shorter time if the rendition is stored. A later answer of S3 is awaited in the background. */
async function waitForObject(
  opening: Promise<OpenedObject | Refusal>,
  reading: Promise<StoreEntry | undefined> | undefined,
  began: number,
  context: RequestScope["context"],
): Promise<OpenedObject | Refusal> {
  if (!reading) return opening;

  // Once the store has given a rendition, S3 has what is left of its two seconds.
  const limitedOpening = reading.then((entry) => {
    if (!entry?.rendition) return opening;
    return withTimeout(began + STORED_TIMEOUT_MS - Date.now(), opening);
  });

  const object = await Promise.race([opening, limitedOpening]);
  if (object !== TIMED_OUT) return object;

  context.waitUntil(opening);
  return NO_ANSWER;
}
