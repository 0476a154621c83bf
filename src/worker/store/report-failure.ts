// Logs that the store fails, once a minute: the pictures are made without it.

import { logNotice } from "../base/log.ts";
import { countRepeated, type Repeated } from "../base/time.ts";
import type { Store } from "../config/bucket-settings.ts";

const MAX_REASON = 200; // characters

const failures = new WeakMap<Store, Repeated>();

/** @param now ms since 1970 */
export function reportFailure(store: Store, reason: string, now: number): void {
  const { times, isReported, next } = countRepeated(failures.get(store), now);
  failures.set(store, next);
  if (!isReported) {
    logNotice({ event: "store-failed", reason: reason.slice(0, MAX_REASON), times });
  }
}
