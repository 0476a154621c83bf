// Deletes the renditions of objects that are gone out of the store. An event is a reason to ask S3, not a proof (A19).

import type { Store } from "../config/bucket-settings.ts";
import { isRefusal } from "../http/refusal.ts";
import { openObject } from "../origin/open-object.ts";
import { isGone } from "../origin/verdict.ts";
import { deleteFolder } from "../store/rendition-store.ts";
import { withTimeout } from "../util/time.ts";
import type { PurgeScope } from "./purge-cache.ts";
import type { UpstreamFailure } from "./report.ts";
import type { Target } from "./targets.ts";

/**
 * Asks S3 for an object, and deletes its renditions if it is gone. What is of a replaced object is not shown as long
 * as S3 answers, and is written over.
 * @returns why they may still be there
 */
export async function purgeStored(
  { bucket, key, isRemoved }: Target,
  store: Store,
  scope: PurgeScope,
): Promise<UpstreamFailure | undefined> {
  const opened = await openObject(bucket, key, { ...scope, part: "head" });
  if (!isRefusal(opened)) return undefined;
  const isDenied = opened.event === "object-denied";
  if (isGone(opened) || (isDenied && isRemoved)) {
    const deleting = deleteFolder(store, { bucket, key });
    if ((await withTimeout(scope.deadline - Date.now(), deleting)) === true) return undefined;
    return { status: 502, retryAfter: 30, reason: "store: it fails" };
  }
  if (isDenied && isRemoved === false) return undefined;
  const reason = isDenied
    ? "store: S3 denies it: give the key s3:ListBucket"
    : `store: S3 says ${opened.event}`;
  return { status: 503, retryAfter: 30, reason };
}
