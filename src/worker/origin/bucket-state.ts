// What an isolate knows of a bucket: how S3 last replied to each slot (one of the two key pairs of the bucket), and what
// was logged, and whether S3 answers at all. The state changes by one pure function, (state, event) → { state, effects }:
// nothing is sent or logged here, and the effects are lines for the log. There is no clock: `now` is passed in, in ms
// since 1970.
//
// Each isolate learns by itself. So right after a key was revoked, each of them loses one request to S3 per minute.
//
// One odd object must not speak for its bucket. If S3 does not answer for that object alone, S3 does not count as silent:
// while it is silent, stored pictures are shown, and one of them may be a picture that S3 denies. And if S3 refuses the
// request for that object with an error code that is about slots, the slot may still work for all others.

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
  /** For which object S3 accepted a slot last. */
  readonly accepted: Readonly<Partial<Record<SlotName, KeyAt>>>;
  /** The one object for which S3 refused a slot with a slot's code since then, and which may be odd itself. */
  readonly odd: Readonly<Partial<Record<SlotName, string | undefined>>>;
  /** The objects for which S3 did not answer: the last one first, two at most. None once S3 answers. */
  readonly unanswered: readonly KeyAt[];
  /** When S3 last answered a request for an object. */
  readonly answeredAt?: number | undefined;
  /** The objects for which S3 answered after the visitor had got what is stored: the last one first. */
  readonly late: readonly KeyAt[];
  readonly reported: Reported;
};

/** The key of an object, and when something happened to it. */
type KeyAt = { readonly key: string; readonly at: number };

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
  /** Whether the object may be the cause, and not the slot (`isOddObject`). */
  readonly isOdd?: boolean;
};

export type BucketEvent =
  /** An object was requested with these slots, in this order. */
  | {
      readonly type: "slots-tried";
      readonly key: string;
      readonly replies: readonly SlotReply[];
      readonly now: number;
    }
  /**
   * An object was requested, and S3 answered in time, or not. The request that tries a silent S3 sends this event when it
   * begins, too, so that only one request at a time waits for S3.
   */
  | {
      readonly type: "s3-requested";
      readonly key: string;
      readonly isAnswered: boolean;
      readonly now: number;
    }
  /** S3 answered a request, and told something of its object, after the visitor had got what is stored. */
  | { readonly type: "s3-late"; readonly key: string; readonly now: number }
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
  return {
    bucket,
    refused: {},
    accepted: {},
    odd: {},
    unanswered: [],
    late: [],
    reported: { inUse: "current", refused: [] },
  };
}

export function advance(state: BucketState, event: BucketEvent): Advanced {
  const { now } = event;

  switch (event.type) {
    case "slots-tried":
      return learnReplies(state, event.key, event.replies, now);
    case "s3-requested":
      return { state: learnAnswer(state, event.key, event.isAnswered, now), effects: [] };
    case "s3-late":
      return { state: learnLate(state, event.key, now), effects: [] };
    case "all-refused":
      // If this refusal was not logged, the time of the last one that was logged stays.
      if (isAllRefusedReported(state, now)) return { state, effects: [] };
      return changeReported(state, { allRefusedAt: now });
    case "rendition-failed":
      return reportFailedRendition(state, event.key, event.refusal, now);
  }
}

/** Remembers whether S3 answered a request for an object. */
function learnAnswer(
  state: BucketState,
  key: string,
  isAnswered: boolean,
  now: number,
): BucketState {
  if (isAnswered) return { ...state, unanswered: [], answeredAt: now };

  const [other] = state.unanswered.filter((last) => last.key !== key);
  const unanswered = other ? [{ key, at: now }, other] : [{ key, at: now }];
  return { ...state, unanswered };
}

/** So many objects are remembered for which S3 was late. */
const MAX_LATE = 50;

/** Remembers that S3 answered late for an object. It has answered, so it is not silent. */
function learnLate(state: BucketState, key: string, now: number): BucketState {
  const others = state.late.filter((last) => last.key !== key);
  const late = [{ key, at: now }, ...others].slice(0, MAX_LATE);
  return { ...state, unanswered: [], answeredAt: now, late };
}

/** Remembers how S3 replied to the slots that were tried. */
function learnReplies(
  state: BucketState,
  key: string,
  replies: readonly SlotReply[],
  now: number,
): Advanced {
  const refused = { ...state.refused };
  const accepted = { ...state.accepted };
  const odd = { ...state.odd };

  for (const { slot, s3Code, isOdd } of replies) {
    if (isOdd) {
      odd[slot.name] = key;
      continue;
    }

    odd[slot.name] = undefined;
    refused[slot.name] = s3Code ? { s3Code, refusedAt: now } : undefined;
    if (!s3Code) accepted[slot.name] = { key, at: now };
  }

  const nextState = { ...state, refused, accepted, odd };

  // S3 accepts a slot.
  const inUse = replies.find((reply) => !reply.s3Code);
  if (inUse) return reportSlotInUse(nextState, inUse.slot);

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

/**
 * Returns whether a refusal of a slot is about the object alone: S3 accepted the slot for another object within the last
 * minute, and has refused it for no other one since. A key that is revoked is refused for the second object at the latest.
 * @param key of the object for which S3 refuses the slot now
 */
export function isOddObject(state: BucketState, slot: Slot, key: string, now: number): boolean {
  const { name } = slot;
  if (state.refused[name]) return false;

  const accepted = state.accepted[name];
  const isAcceptedForOther = isWithin(RETRY_MS, accepted?.at, now) && accepted?.key !== key;

  const odd = state.odd[name];
  const isOnlyOne = odd === undefined || odd === key;
  return isAcceptedForOther && isOnlyOne;
}

/** For so long, S3 is waited for where it was late for an object: ms. */
const LATE_MS = 3_600_000;

/** Returns whether S3 was late for an object, and works: what is stored of it may not be shown before S3 answers. */
export function isLate({ late }: BucketState, key: string, now: number): boolean {
  const last = late.find((entry) => entry.key === key);
  return isWithin(LATE_MS, last?.at, now);
}

/** A silent S3 gets one request in this time: ms. */
const SILENT_MS = 5_000;

/** For so long it counts that S3 did not answer: ms. So the requests that try a silent S3 keep it silent. */
const EVIDENCE_MS = 10_000;

/** Returns whether S3 did not answer for two different objects. One alone may be odd. */
export function hasSilence({ unanswered }: BucketState, now: number): boolean {
  const recent = unanswered.filter(({ at }) => isWithin(EVIDENCE_MS, at, now));
  return recent.length === 2;
}

/** Returns whether S3 did not answer a moment ago, or is just being tried by a request, and has answered nobody else. */
export function isSilent(state: BucketState, now: number): boolean {
  if (isWithin(SILENT_MS, state.answeredAt, now)) return false;

  const [last] = state.unanswered;
  return hasSilence(state, now) && isWithin(SILENT_MS, last?.at, now);
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
