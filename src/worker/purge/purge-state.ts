// What an isolate knows of the purges of a bucket: what the limit of calls (W10) refused goes with the next one,
// which drops the whole bucket. Pure transitions, and where the states are kept.

import type { Bucket } from "../config/bucket.ts";

type PurgeState = {
  /** Whether the limit has refused a call since the bucket's tag was dropped. */
  readonly isLimited: boolean;
  /** When the bucket's tag was last dropped: ms since 1970. */
  readonly droppedAt?: number;
};

/** `at` is when the call began. */
type PurgeEvent = { readonly type: "limited" } | { readonly type: "dropped"; readonly at: number };

/** EventBridge's times have no fraction of a second, and the clocks of S3 and Cloudflare differ: ms. */
const CLOCKS_MS = 5_000;

export const NO_PURGES: PurgeState = { isLimited: false };

export function advance(state: PurgeState, event: PurgeEvent): PurgeState {
  if (event.type === "limited") return { ...state, isLimited: true };
  return { isLimited: false, droppedAt: event.at };
}

/** Returns whether the bucket was dropped after a change, so that its event needs no call. */
export function isDroppedSince({ droppedAt }: PurgeState, changed: number | undefined): boolean {
  return droppedAt !== undefined && changed !== undefined && changed < droppedAt - CLOCKS_MS;
}

type Known = Pick<Bucket, "base">;
const states = new WeakMap<Known, PurgeState>();

export function purgeStateOf(bucket: Known): PurgeState {
  return states.get(bucket) ?? NO_PURGES;
}

export function learnPurge(bucket: Known, event: PurgeEvent): void {
  states.set(bucket, advance(purgeStateOf(bucket), event));
}
