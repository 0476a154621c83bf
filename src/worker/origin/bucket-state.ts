// What an isolate knows of a bucket: what S3 said of its slots, and what the log was told.
// Immutable values and questions to them. No I/O. No clock: `now` is passed in, in ms since 1970.

import { isWithin } from "../base/is-within.ts";
import type { RefusedSlot } from "../base/refusal.ts";
import type { Repeated } from "../base/repeated.ts";
import type { SlotName } from "../base/slot-name.ts";
import type { Bucket } from "../config/bucket.ts";
import { isSameKey, keyEnd, type Slot } from "../config/slot.ts";
import type { Verdict } from "./verdict.ts";

export type BucketState = {
  readonly bucket: Bucket;
  readonly slots: Readonly<Record<SlotName, SlotState>>;
  /** The question to S3 that is under way. */
  readonly probe: Probe | undefined;
  readonly told: Told;
  /** The denials since S3 last gave an object, or said that one is missing. */
  readonly denials: Denials | undefined;
  /** Whether the configuration was read again: from then on, nothing is logged. */
  readonly replaced: boolean;
};

/** What S3 said of a slot. */
export type SlotState = {
  /** Its last answer about each kind of denial, such as `9408/403`. */
  readonly findings?: Readonly<Record<string, Finding>>;
  /** S3 refuses the slot: its code, and when it last said so. */
  readonly refused?: { readonly origin: string; readonly at: number } | undefined;
};

export type Finding = {
  /** The object's URL that S3 was asked for. */
  readonly url: string;
  /** The kind of the denial that S3 was asked about; absent if there was none. */
  readonly denial?: string | undefined;
  readonly verdict: Verdict;
  readonly at: number;
};

export type Probe = {
  readonly ended: Promise<unknown>;
  readonly began: number;
};

/** What the log was told. */
type Told = {
  /** The slot in use; undefined while S3 refuses all of them. */
  readonly inUse: SlotName | undefined;
  readonly refused: readonly RefusedSlot[];
  /** When the log was last told that all slots are refused. */
  readonly allRefusedAt?: number | undefined;
  /** When it was last told that a rendition could not be made, and how many could not be since. */
  readonly failed?: Repeated | undefined;
  /** The same for an image that the second engine made. */
  readonly engineChanged?: Repeated | undefined;
};

/** `since`: when they began; Infinity after the alarm, which is raised once. */
type Denials = { readonly times: number; readonly since: number };

/** For how long S3's word on a slot holds; after how long a refused slot is tried again: ms. */
const FRESH_MS = 3_000;
const RETRY_MS = 60_000;

/** For how long other requests wait for a probe: ms. If the request that asks dies, it never ends. */
export const PROBE_MS = 5_000;

/** The state of a bucket that nobody has asked for yet. */
export function startState(bucket: Bucket): BucketState {
  return {
    bucket,
    slots: { current: {}, next: {} },
    probe: undefined,
    told: { inUse: "current", refused: [] },
    denials: undefined,
    replaced: false,
  };
}

/** The state of a bucket after its configuration was read again: what is known of keys that stay. */
export function carryOver(before: BucketState, bucket: Bucket): BucketState {
  const stays = (name: SlotName) => {
    const slot = bucket.slots.find((one) => one.name === name);
    const known = before.bucket.slots.find((one) => one.name === name);
    return slot && isSameKey(slot, known);
  };
  const refused = before.told.refused.filter(({ slot }) => stays(slot));
  return {
    ...startState(bucket),
    slots: {
      current: stays("current") ? before.slots.current : {},
      next: stays("next") ? before.slots.next : {},
    },
    told: { ...before.told, refused },
    denials: before.denials,
  };
}

/**
 * What S3 said of a slot within the last seconds, when it was asked about a denial of this kind. What
 * explains one kind does not explain another: the region may be wrong just after an object was missing.
 */
export function freshFinding(
  state: BucketState,
  slot: Slot,
  denial: string,
  now: number,
): Finding | undefined {
  const found = state.slots[slot.name].findings?.[denial];
  return isWithin(FRESH_MS, found?.at, now) ? found : undefined;
}

/** Returns whether S3 refused a slot within the last seconds: asking with it again is useless. */
export function isJustRefused(state: BucketState, slot: Slot, now: number): boolean {
  return isWithin(FRESH_MS, state.slots[slot.name].refused?.at, now);
}

/** A refused slot that is to be tried again, although no request needs it. */
export function slotToRetry(state: BucketState, now: number): Slot | undefined {
  return state.bucket.slots.find(({ name }) => {
    const { refused } = state.slots[name];
    return refused && !isWithin(RETRY_MS, refused.at, now);
  });
}

/** The slots in the order in which to try them: refused ones last. */
export function slotsInOrder({ bucket, slots }: BucketState): Slot[] {
  const rank = ({ name }: Slot) => (slots[name].refused ? 1 : 0);
  return [...bucket.slots].sort((one, other) => rank(one) - rank(other));
}

/** The slots that S3 refuses, as the log names them. */
export function refusedSlots({ bucket, slots }: BucketState): RefusedSlot[] {
  return bucket.slots.flatMap((slot) => {
    const { refused } = slots[slot.name];
    const { name } = slot;
    return refused ? [{ slot: name, origin: refused.origin, access_key: keyEnd(slot) }] : [];
  });
}

/** Returns whether S3 refuses every slot. */
export function areAllRefused(state: BucketState): boolean {
  return refusedSlots(state).length === state.bucket.slots.length;
}

/** The probe that others wait for, if one is under way. */
export function runningProbe({ probe }: BucketState, now: number): Probe | undefined {
  return isWithin(PROBE_MS, probe?.began, now) ? probe : undefined;
}
