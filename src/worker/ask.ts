// Asks S3 for the first bytes of an object, and the store for its rendition, at the same time. What is stored
// shortens the wait for an S3 that does not answer.

import type { RenditionKey } from "./cache/rendition-url.ts";
import type { Config } from "./config/config.ts";
import { isRefusal, mayPass, type Refusal } from "./http/refusal.ts";
import type { RequestScope } from "./http/send.ts";
import { bucketMemoryOf } from "./origin/memories.ts";
import { type OpenedObject, openObject } from "./origin/open-object.ts";
import {
  type Place,
  readEntry,
  readStored,
  type StoreEntry,
  waitForEntry,
} from "./store/rendition-store.ts";
import { isWithin, pauseBefore, TIMED_OUT, withTimeout } from "./util/time.ts";

/** How long S3 may take where the rendition is stored: ms. */
const STORED_MS = 2_000;

/** In what time an S3 that is well has answered: ms. */
const ENOUGH_MS = 500;

/** For how long one request alone asks an S3 that does not answer: ms. */
const SILENT_MS = 5_000;

const SILENT = { event: "timed-out", reason: "no answer in time" } as const satisfies Refusal;

type AskResult = {
  readonly object: OpenedObject | Refusal;
  /** Undefined: there is no store, it failed, or it was not asked. */
  readonly entry?: StoreEntry | undefined;
};

/**
 * Where Workers Cache only revalidates, the store is not asked: S3 mostly says that nothing changed.
 * @param others what may be shown where nothing of this object is stored, and its S3 does not answer
 */
export async function ask(
  { bucket, key }: RenditionKey,
  place: Place | undefined,
  others: readonly RenditionKey[],
  scope: RequestScope & { readonly config: Config; readonly hasOlder?: boolean },
): Promise<AskResult> {
  const { config, context, deadline, hasOlder } = scope;
  const memory = bucketMemoryOf(bucket);
  const began = Date.now();
  const { silentAt } = memory.state();
  const isSilent = isWithin(SILENT_MS, silentAt, began);
  let reading = place && (isSilent || !hasOlder) ? readEntry(place) : undefined;
  const readOn = async () => place && reading && waitForEntry(place, reading, deadline);
  if (isSilent) {
    const entry = await readOn();
    const stored = entry?.rendition ? entry : await readStored(others, config, deadline);
    if (stored) return { object: SILENT, entry: stored };
    reading = Promise.resolve(entry);
  }
  if (silentAt !== undefined) memory.learn({ type: "s3-asked", isSilent: true, now: began });

  const open = () => openObject(bucket, key, { part: "head", context, deadline });
  const opening = open();
  const limited = reading?.then((entry) => {
    return entry?.rendition ? withTimeout(began + STORED_MS - Date.now(), opening) : opening;
  });
  const first = await Promise.race([opening, limited ?? opening]);
  if (first === TIMED_OUT) context.waitUntil(opening);
  let object = first === TIMED_OUT ? SILENT : first;
  const entry = await readOn();
  const isBusy = mayPass(object) && !hasOlder && !entry?.rendition; // A9
  if (isBusy && (await pauseBefore(deadline))) object = await open();
  const now = Date.now();
  // A visitor who had no time left tells nothing of S3.
  const hadTime = now - began >= ENOUGH_MS;
  const isUnanswered = isRefusal(object) && object.event === "timed-out" && !("status" in object);
  memory.learn({ type: "s3-asked", isSilent: hadTime && isUnanswered, now });
  return { object, entry };
}
