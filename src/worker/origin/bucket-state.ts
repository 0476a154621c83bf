// What an isolate knows of a bucket: the last reply of S3 for each slot, and what was logged. How it
// changes: (state, event) → { state, effects }. Pure; the effects are lines for the log. No clock: `now` is
// passed in, in ms since 1970.

import type { Bucket } from "../config/bucket.ts";
import { maskKeyId, type Slot } from "../config/slot.ts";
import {
  mistakeText,
  type Refusal,
  type RefusedSlot,
  type SlotName,
  upstreamOf,
} from "../http/refusal.ts";
import type { BucketNotice } from "../log/notice.ts";
import { countForLog, isWithin, LOG_PERIOD_MS, type LogCount } from "../util/time.ts";

export type BucketState = {
  readonly bucket: Bucket;
  /** The slots that S3 refused when they were last tried: its code, and when. */
  readonly refused: {
    readonly [Slot in SlotName]?: { readonly s3Code: string; readonly at: number };
  };
  /** When a request to S3 last began or ended without an answer; undefined once S3 answers. */
  readonly silentAt?: number | undefined;
  readonly reported: Reported;
};

/** What the log has reported. */
type Reported = {
  /** The slot in use; undefined while S3 refuses all of them. */
  readonly inUse: SlotName | undefined;
  readonly refused: readonly RefusedSlot[];
  /** When it was last reported that all slots are refused. */
  readonly allRefusedAt?: number | undefined;
  /** When a failed rendition was last reported, and how many failed since. */
  readonly failures?: LogCount | undefined;
};

/** The reply of S3 for a slot: its code if it refuses the slot. */
export type SlotReply = { readonly slot: Slot; readonly s3Code?: string | undefined };

export type BucketEvent =
  /** An object was requested with these slots, in this order. */
  | { readonly type: "slots-tried"; readonly replies: readonly SlotReply[]; readonly now: number }
  /** An object was requested, and S3 answered in time or not. */
  | { readonly type: "s3-requested"; readonly isSilent: boolean; readonly now: number }
  /** A visitor gets no image, because S3 refuses all slots. */
  | { readonly type: "all-refused"; readonly now: number }
  /** A rendition for all visitors could not be made. */
  | {
      readonly type: "rendition-failed";
      readonly key: string;
      readonly refusal: Refusal;
      readonly now: number;
    };

type Advanced = { readonly state: BucketState; readonly effects: readonly BucketNotice[] };

/** After how long a refused slot is tried again before the other one: ms. */
const RETRY_MS = 60_000;

/** The state of a bucket before the first request. */
export function startState(bucket: Bucket): BucketState {
  return { bucket, refused: {}, reported: { inUse: "current", refused: [] } };
}

/** The slots in the order in which to try them: those that S3 refused within the last minute come last. */
export function slotsInOrder({ bucket, refused }: BucketState, now: number): readonly Slot[] {
  const isRefused = ({ name }: Slot) => isWithin(RETRY_MS, refused[name]?.at, now);
  return [...bucket.slots].sort((a, b) => Number(isRefused(a)) - Number(isRefused(b)));
}

/** The slots that S3 refuses, as the log names them. */
export function refusedSlots({ bucket, refused }: BucketState): RefusedSlot[] {
  return bucket.slots.flatMap((slot) => {
    const s3Code = refused[slot.name]?.s3Code;
    return s3Code ? [{ slot: slot.name, s3Code, access_key: maskKeyId(slot) }] : [];
  });
}

/** Returns whether it was reported within the last minute that S3 refuses all slots. */
export function isAllRefusedReported({ reported }: BucketState, now: number): boolean {
  return isWithin(LOG_PERIOD_MS, reported.allRefusedAt, now);
}

export function advance(state: BucketState, event: BucketEvent): Advanced {
  const { reported } = state;
  const { now } = event;
  switch (event.type) {
    case "slots-tried": {
      const replies = event.replies.map(({ slot, s3Code }) => [
        slot.name,
        s3Code === undefined ? undefined : { s3Code, at: now },
      ]);
      const refused = { ...state.refused, ...Object.fromEntries(replies) };
      const accepted = event.replies.find(({ s3Code }) => s3Code === undefined)?.slot;
      return reportSlots({ ...state, refused }, accepted);
    }
    case "s3-requested":
      return { state: { ...state, silentAt: event.isSilent ? now : undefined }, effects: [] };
    case "all-refused": {
      const at = isAllRefusedReported(state, now) ? reported.allRefusedAt : now;
      return { state: { ...state, reported: { ...reported, allRefusedAt: at } }, effects: [] };
    }
    case "rendition-failed": {
      const { times, shouldLog, next } = countForLog(reported.failures, now);
      const { key, refusal } = event;
      const { status, reason, edgeCode, s3Code } = upstreamOf(refusal);
      const slots = "slots" in refusal ? refusal.slots : undefined;
      const fields = {
        failure: refusal.event,
        key,
        times,
        status,
        reason,
        edgeCode,
        s3Code,
        slots,
      };
      const line = { event: "rendition-failed", bucket: state.bucket.name, ...fields } as const;
      return {
        state: { ...state, reported: { ...reported, failures: next } },
        effects: shouldLog ? [line] : [],
      };
    }
  }
}

/**
 * Reports the slots that are refused since the last report, and which one is in use now.
 * @param accepted the slot that S3 accepted
 */
function reportSlots(state: BucketState, accepted: Slot | undefined): Advanced {
  const { bucket, reported } = state;
  const refused = refusedSlots(state);
  if (!accepted) {
    // A slot that was not tried may still work.
    const areAllRefused = refused.length === bucket.slots.length;
    const next = areAllRefused ? { ...reported, inUse: undefined, refused } : reported;
    return { state: { ...state, reported: next }, effects: [] };
  }
  const isNew = ({ slot, s3Code }: RefusedSlot) =>
    !reported.refused.some((last) => last.slot === slot && last.s3Code === s3Code);
  const effects: BucketNotice[] = refused
    .filter(isNew)
    .map((one) => ({ event: "slot-refused", bucket: bucket.name, ...one }));
  if (accepted.name !== reported.inUse) {
    const mistakes = bucket.unusable.flatMap((one) => one.mistakes.map(mistakeText));
    const reason = accepted.name === "current" ? undefined : mistakes.join("; ") || undefined;
    const slot = { slot: accepted.name, access_key: maskKeyId(accepted), reason };
    effects.push({ event: "slot-in-use", bucket: bucket.name, ...slot });
  }
  const next = { ...reported, allRefusedAt: undefined, inUse: accepted.name, refused };
  return { state: { ...state, reported: next }, effects };
}
