// What an isolate knows of a bucket: how S3 last replied to each slot (one of the two key pairs of the bucket), and what
// was logged. The state changes by one pure function, (state, event) → { state, effects }: nothing is sent or logged
// here, and the effects are lines for the log. There is no clock: `now` is passed in, in ms since 1970.
//
// Each isolate learns by itself. So right after a key was revoked, each of them loses one request to S3 per minute.

import type { Bucket } from "../config/bucket.ts";
import { maskKeyId, type Slot } from "../config/slot.ts";
import {
  detailsOf,
  mistakeText,
  type Refusal,
  type RefusedSlot,
  type SlotName,
} from "../http/refusal.ts";
import type { BucketNotice } from "../log/notice.ts";
import { countForLog, isWithin, LOG_PERIOD_MS, type LogCount } from "../util/time.ts";

export type BucketState = {
  readonly bucket: Bucket;
  /** The slots that S3 refused when they were last tried. */
  readonly refused: Readonly<Partial<Record<SlotName, RefusedReply | undefined>>>;
  /** When S3 was last found silent (it does not answer); undefined once S3 answers. */
  readonly silentAt?: number | undefined;
  readonly reported: Reported;
};

type RefusedReply = {
  /** S3's error code. */
  readonly s3Code: string;
  readonly refusedAt: number;
};

/** What the log has reported. */
type Reported = {
  /** The slot in use; undefined while S3 refuses all of them. */
  readonly inUse: SlotName | undefined;
  /** The slots that were refused at the last report. They are not reported again with the same code. */
  readonly refused: readonly RefusedSlot[];
  /** When it was last reported that all slots are refused. */
  readonly allRefusedAt?: number | undefined;
  /** When a failed rendition was last reported, and how many failed since. */
  readonly failures?: LogCount | undefined;
};

/** How S3 replied to a slot. */
export type SlotReply = {
  readonly slot: Slot;
  /** S3's error code if S3 refuses the slot; undefined: S3 accepts the slot. */
  readonly s3Code?: string;
};

export type BucketEvent =
  /** An object was requested with these slots, in this order. */
  | { readonly type: "slots-tried"; readonly replies: readonly SlotReply[]; readonly now: number }
  /**
   * An object was requested, and S3 answered in time, or not: then it is silent. While S3 is silent, the next request
   * sends this event when it begins, too, so that only one request at a time waits for S3.
   */
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

/** The state of a bucket before the first request. */
export function startState(bucket: Bucket): BucketState {
  return { bucket, refused: {}, reported: { inUse: "current", refused: [] } };
}

export function advance(state: BucketState, event: BucketEvent): Advanced {
  const { now } = event;

  switch (event.type) {
    case "slots-tried":
      return learnReplies(state, event.replies, now);
    case "s3-requested":
      return { state: { ...state, silentAt: event.isSilent ? now : undefined }, effects: [] };
    case "all-refused":
      // If this refusal was not logged, the time of the last one that was logged stays.
      if (isAllRefusedReported(state, now)) return { state, effects: [] };
      return changeReported(state, { allRefusedAt: now });
    case "rendition-failed":
      return reportFailedRendition(state, event.key, event.refusal, now);
  }
}

/** Remembers how S3 replied to the slots that were tried. */
function learnReplies(state: BucketState, replies: readonly SlotReply[], now: number): Advanced {
  const refused = { ...state.refused };
  for (const { slot, s3Code } of replies) {
    refused[slot.name] = s3Code ? { s3Code, refusedAt: now } : undefined;
  }

  const nextState = { ...state, refused };

  // S3 accepts a slot.
  const accepted = replies.find((reply) => !reply.s3Code);
  if (accepted) return reportSlotInUse(nextState, accepted.slot);

  // S3 refuses some slots. One that was not tried, or got no clear answer, may still work.
  const slots = refusedSlots(nextState);
  if (slots.length < state.bucket.distinctSlots.length) return { state: nextState, effects: [] };

  // S3 refuses all slots. Nothing is logged here: the refusal that the visitor gets names the slots in the log.
  return changeReported(nextState, { inUse: undefined, refused: slots });
}

/**
 * Reports the slots that are refused since the last report, and which one is in use now.
 * @param accepted the slot that S3 accepted
 */
function reportSlotInUse(state: BucketState, accepted: Slot): Advanced {
  const { bucket, reported } = state;
  const refused = refusedSlots(state);
  const effects: BucketNotice[] = [];

  for (const refusedSlot of refused) {
    const { slot, s3Code } = refusedSlot;
    const isReported = reported.refused.some(
      (last) => last.slot === slot && last.s3Code === s3Code,
    );
    if (isReported) continue;
    effects.push({ event: "slot-refused", bucket: bucket.name, ...refusedSlot });
  }

  if (accepted.name !== reported.inUse) {
    // The next slot is in use either because S3 refuses the current one, which is logged above, or because the secrets
    // of the current one are wrong: then the reason is here.
    const mistakes = accepted.name === "next" ? unusableSlotMistakes(bucket) : [];
    effects.push({
      event: "slot-in-use",
      bucket: bucket.name,
      slot: accepted.name,
      access_key: maskKeyId(accepted),
      reason: mistakes.join("; ") || undefined,
    });
  }

  const change = { allRefusedAt: undefined, inUse: accepted.name, refused };
  return changeReported(state, change, effects);
}

/** Visitors may not see the failure, because they get an older rendition. So the log has it, once a minute. */
function reportFailedRendition(
  state: BucketState,
  key: string,
  refusal: Refusal,
  now: number,
): Advanced {
  // `times`: how many renditions failed since the last line, with this one. `logCount`: what to remember.
  const { times, shouldLog, logCount } = countForLog(state.reported.failures, now);
  const change = { failures: logCount };
  if (!shouldLog) return changeReported(state, change);

  const { status, reason, edgeCode, s3Code } = detailsOf(refusal);
  const notice = {
    event: "rendition-failed",
    bucket: state.bucket.name,
    failure: refusal.event,
    key,
    times,
    status,
    reason,
    edgeCode,
    s3Code,
    slots: refusal.event === "slots-refused" ? refusal.slots : undefined,
  } as const;
  return changeReported(state, change, [notice]);
}

/** @param effects the lines for the log */
function changeReported(
  state: BucketState,
  change: Partial<Reported>,
  effects: readonly BucketNotice[] = [],
): Advanced {
  return { state: { ...state, reported: { ...state.reported, ...change } }, effects };
}

/** For how long a refused slot is tried after the other one: ms. After that, S3 may know the key again. */
const RETRY_MS = 60_000;

/** The slots in the order in which to try them: those that S3 refused within the last minute come last. */
export function slotsInOrder(state: BucketState, now: number): readonly Slot[] {
  const first: Slot[] = [];
  const last: Slot[] = [];

  for (const slot of state.bucket.distinctSlots) {
    const reply = state.refused[slot.name];
    const isRefused = isWithin(RETRY_MS, reply?.refusedAt, now);
    if (isRefused) last.push(slot);
    else first.push(slot);
  }

  return [...first, ...last];
}

/** The slots that S3 refuses, as the log names them. */
export function refusedSlots({ bucket, refused }: BucketState): RefusedSlot[] {
  const slots: RefusedSlot[] = [];

  for (const slot of bucket.distinctSlots) {
    const reply = refused[slot.name];
    if (reply) slots.push({ slot: slot.name, s3Code: reply.s3Code, access_key: maskKeyId(slot) });
  }

  return slots;
}

/** Returns whether it was reported within the last minute that S3 refuses all slots. */
export function isAllRefusedReported({ reported }: BucketState, now: number): boolean {
  return isWithin(LOG_PERIOD_MS, reported.allRefusedAt, now);
}

/** What is wrong with the secrets of the slots that cannot be used. No request is made with these slots. */
export function unusableSlotMistakes(bucket: Bucket): string[] {
  return bucket.unusable.flatMap((slot) => slot.mistakes.map(mistakeText));
}
