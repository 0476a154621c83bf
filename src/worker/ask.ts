// Asks S3 for the first bytes of an object, and the store for its rendition, at the same time. What is stored
// shortens the wait for an S3 that does not answer.

import { isRefusal, mayPass, type Refusal } from "./base/refusal.ts";
import type { RequestScope } from "./base/send.ts";
import { pauseBefore, TIMED_OUT, withTimeout } from "./base/time.ts";
import type { RenditionKey } from "./cache/rendition-url.ts";
import { isSilent } from "./origin/bucket-state.ts";
import { bucketMemoryOf } from "./origin/memories.ts";
import { type OpenedObject, openObject } from "./origin/open-object.ts";
import type { Lookup } from "./store/rendition-store.ts";

/** How long S3 may take where the rendition is stored: ms. */
const STORED_MS = 2_000;

const SILENT = { event: "timed-out", reason: "S3 does not answer" } as const satisfies Refusal;

/** @param lookup is not started where Workers Cache only revalidates: S3 mostly says that nothing changed */
export async function ask(
  { bucket, key }: RenditionKey,
  { context, deadline, hasOlder }: RequestScope & { readonly hasOlder?: boolean },
  lookup: Lookup,
): Promise<OpenedObject | Refusal> {
  const memory = bucketMemoryOf(bucket);
  const began = Date.now();
  const options = { part: "head", deadline } as const;
  const { silentAt } = memory.state();
  if (isSilent(memory.state(), began) && (await lookup.entry())?.rendition) return SILENT;
  if (silentAt !== undefined) memory.learn({ type: "s3-asked", isSilent: true, now: began });

  const opening = openObject(bucket, key, options, context);
  const limited = async () => {
    const isStored = (await lookup.start())?.rendition !== undefined;
    const left = began + STORED_MS - Date.now();
    return isStored ? withTimeout(Math.max(0, left), opening) : opening;
  };
  const first = await (hasOlder ? opening : Promise.race([opening, limited()]));
  if (first === TIMED_OUT) context.waitUntil(opening);
  let object = first === TIMED_OUT ? SILENT : first;
  const isBusy = mayPass(object) && !hasOlder && !(await lookup.entry())?.rendition; // A9
  if (isBusy && (await pauseBefore(deadline))) {
    object = await openObject(bucket, key, options, context);
  }
  const isUnanswered = isRefusal(object) && object.event === "timed-out" && !("status" in object);
  memory.learn({ type: "s3-asked", isSilent: isUnanswered, now: Date.now() });
  return object;
}
