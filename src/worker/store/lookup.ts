// Requests the first bytes of an object from S3, and its rendition from the store, at the same time. A stored rendition
// shortens the wait for an S3 that does not answer.

import type { RenditionKey } from "../cache/rendition-url.ts";
import type { Config } from "../config/config.ts";
import { isRefusal, mayPass, type Refusal } from "../http/refusal.ts";
import type { RequestScope } from "../http/send.ts";
import { bucketMemoryOf } from "../origin/memories.ts";
import { type OpenedObject, openObject } from "../origin/open-object.ts";
import { isWithin, pauseBefore, TIMED_OUT, withTimeout } from "../util/time.ts";
import {
  readEntry,
  readFirstStored,
  type StoreEntry,
  type StorePath,
  waitForEntry,
} from "./entries.ts";

/** How long S3 may take where the rendition is stored: ms. */
const STORED_MS = 2_000;

/** In what time an S3 that works has answered: ms. */
const ENOUGH_MS = 500;

/** For how long one request alone is sent to an S3 that does not answer: ms. */
const SILENT_MS = 5_000;

const SILENT = { event: "timed-out", reason: "no answer in time" } as const satisfies Refusal;

type Lookup = {
  readonly object: OpenedObject | Refusal;
  /** Undefined: there is no store, it failed, or it was not read. */
  readonly entry?: StoreEntry | undefined;
};

/**
 * Where Workers Cache only revalidates, the store is not read: S3 mostly replies that nothing changed.
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
  if (isSilent) {
    const entry = await finishReading();
    const stored = entry?.rendition ? entry : await readFirstStored(alternatives, config, deadline);
    if (stored) return { object: SILENT, entry: stored };
    reading = Promise.resolve(entry);
  }
  if (silentAt !== undefined) memory.learn({ type: "s3-requested", isSilent: true, now: began });

  const open = () => openObject(bucket, key, { part: "head", context, deadline });
  const opening = open();
  const limited = reading?.then((entry) => {
    return entry?.rendition ? withTimeout(began + STORED_MS - Date.now(), opening) : opening;
  });
  const first = await Promise.race([opening, limited ?? opening]);
  if (first === TIMED_OUT) context.waitUntil(opening);
  let object = first === TIMED_OUT ? SILENT : first;
  const entry = await finishReading();
  const shouldRetry = mayPass(object) && !hasOlder && !entry?.rendition; // A9
  if (shouldRetry && (await pauseBefore(deadline))) object = await open();
  const now = Date.now();
  // A request that had no time left proves nothing about S3.
  const hadTime = now - began >= ENOUGH_MS;
  const isUnanswered = isRefusal(object) && object.event === "timed-out" && !("status" in object);
  memory.learn({ type: "s3-requested", isSilent: hadTime && isUnanswered, now });
  return { object, entry };
}
