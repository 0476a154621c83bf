// How the state of a bucket changes: (state, event) → { state, effects }. Pure; the effects are lines
// for the log.

import { isWithin } from "../base/is-within.ts";
import type { Memory } from "../base/memory.ts";
import { mistakeText } from "../base/mistake.ts";
import type { BucketNotice } from "../base/notice.ts";
import type { Refusal } from "../base/refusal.ts";
import { WHILE_MS } from "../base/repeated.ts";
import type { SlotName } from "../base/slot-name.ts";
import { keyEnd, type Slot } from "../config/slot.ts";
import {
  areAllRefused,
  type BucketState,
  type Finding,
  type Probe,
  refusedSlots,
  type SlotState,
  slotsInOrder,
} from "./bucket-state.ts";
import { tellEngine, tellFailure } from "./tell.ts";
import { knowsSlot } from "./verdict.ts";

export type BucketEvent =
  /** S3 is being asked. */
  | { readonly type: "probe-started"; readonly probe: Probe }
  /** S3 answered a question about a slot. */
  | { readonly type: "probe-ended"; readonly slot: Slot; readonly finding: Finding }
  /** S3 denied an object to a slot, and said why. */
  | { readonly type: "slot-answered"; readonly slot: Slot; readonly finding: Finding }
  /** The edge made a rendition with a slot, after it was denied to the other one. */
  | { readonly type: "slot-served"; readonly slot: Slot; readonly began: number }
  /** A request, or a probe that nobody waited for, is over: the log is told what changed. */
  | { readonly type: "settled" }
  /** A visitor is told that S3 refuses all slots. */
  | { readonly type: "all-refused"; readonly now: number }
  /** What a request for an object came to: undefined where an image was made. */
  | {
      readonly type: "object-asked";
      readonly refused: Refusal["event"] | undefined;
      readonly now: number;
    }
  /** A rendition for all visitors could not be made. */
  | {
      readonly type: "rendition-failed";
      readonly key: string;
      readonly refusal: Refusal;
      readonly now: number;
    }
  /** The second engine made what the first one does not read. */
  | {
      readonly type: "engine-changed";
      readonly key: string;
      readonly reason: string;
      readonly now: number;
    }
  /** The configuration was read again, and another state takes the place of this one. */
  | { readonly type: "replaced" };

/** What this isolate knows of a bucket. */
export type BucketMemory = Memory<BucketState, BucketEvent>;

type Advanced = {
  readonly state: BucketState;
  readonly effects: readonly BucketNotice[];
};

/** A few missing objects are no alarm. */
const LEAST_DENIALS = 10;

export function advance(state: BucketState, event: BucketEvent): Advanced {
  switch (event.type) {
    case "probe-started":
      return changed(state, { probe: event.probe });
    case "probe-ended": {
      const { slot, finding } = event;
      return changed(state, { ...withFinding(state, slot.name, finding), probe: undefined });
    }
    case "slot-answered":
      return changed(state, withFinding(state, event.slot.name, event.finding));
    case "slot-served": {
      // What S3 said after the edge was asked holds.
      const { name } = event.slot;
      const { refused, ...slot } = state.slots[name];
      const isOlder = refused && refused.at < event.began;
      return isOlder ? changed(state, withSlot(state, name, slot)) : unchanged(state);
    }
    case "settled":
      return state.replaced ? unchanged(state) : settle(state);
    case "all-refused": {
      if (isAllRefusedTold(state, event.now)) return unchanged(state);
      return changed(state, { told: { ...state.told, allRefusedAt: event.now } });
    }
    case "object-asked":
      return countDenials(state, event.refused, event.now);
    case "rendition-failed":
      return tellFailure(state, event);
    case "engine-changed":
      return tellEngine(state, event);
    case "replaced":
      return changed(state, { replaced: true });
  }
}

function changed(
  state: BucketState,
  change: Partial<BucketState>,
  effects: BucketNotice[] = [],
): Advanced {
  return { state: { ...state, ...change }, effects };
}

function unchanged(state: BucketState): Advanced {
  return { state, effects: [] };
}

/** Returns whether the log was told within the last minute that S3 refuses all slots. */
export function isAllRefusedTold({ told }: BucketState, now: number): boolean {
  return isWithin(WHILE_MS, told.allRefusedAt, now);
}

function withSlot({ slots }: BucketState, name: SlotName, slot: SlotState) {
  return { slots: { ...slots, [name]: slot } };
}

/** A refusal is over only where S3 knew the slot. */
function withFinding(state: BucketState, name: SlotName, finding: Finding) {
  const { refused, findings: known } = state.slots[name];
  const { denial, verdict, at } = finding;
  const findings = denial === undefined ? known : { ...known, [denial]: finding };
  const slot = findings ? { findings } : {};
  if (verdict.fault === "slot") {
    return withSlot(state, name, { ...slot, refused: { origin: verdict.origin, at } });
  }
  const stays = refused && !knowsSlot(verdict);
  return withSlot(state, name, stays ? { ...slot, refused: { ...refused, at } } : slot);
}

/** Tells the log which slots were refused since it was last told, and which one is in use now. */
function settle(state: BucketState): Advanced {
  const { bucket, told } = state;
  const refused = refusedSlots(state);
  const [first] = slotsInOrder(state);
  if (!first || areAllRefused(state)) {
    return changed(state, { told: { ...told, inUse: undefined, refused } });
  }
  const isSame = told.inUse === first.name && told.allRefusedAt === undefined;
  if (isSame && refused.length + told.refused.length === 0) return unchanged(state);
  const isNews = ({ slot, origin }: (typeof refused)[number]) =>
    !told.refused.some((known) => known.slot === slot && known.origin === origin);
  const effects: BucketNotice[] = refused
    .filter(isNews)
    .map((one) => ({ event: "slot-refused", bucket: bucket.name, ...one }));
  if (first.name !== told.inUse) effects.push(inUseNotice(state, first));
  return changed(
    state,
    { told: { ...told, allRefusedAt: undefined, inUse: first.name, refused } },
    effects,
  );
}

function inUseNotice({ bucket }: BucketState, slot: Slot): BucketNotice {
  const mistakes = bucket.unusable.flatMap((one) => one.mistakes.map(mistakeText));
  return {
    event: "slot-in-use",
    bucket: bucket.name,
    slot: slot.name,
    access_key: keyEnd(slot),
    reason: slot.name === "current" ? undefined : mistakes.join("; ") || undefined,
  };
}

/** Raises the alarm once where a bucket denies every object for a minute, although S3 knows the key. */
function countDenials(
  state: BucketState,
  refused: Refusal["event"] | undefined,
  now: number,
): Advanced {
  if (refused !== "object-denied") {
    // What fails before S3 is asked tells nothing of the bucket.
    const isKnown =
      refused === undefined || refused === "object-missing" || refused === "source-unreadable";
    return isKnown && state.denials ? changed(state, { denials: undefined }) : unchanged(state);
  }
  const { times: before, since } = state.denials ?? { times: 0, since: now };
  const times = before + 1;
  const isAlarm = times >= LEAST_DENIALS && now - since >= WHILE_MS;
  const denials = { times, since: isAlarm ? Number.POSITIVE_INFINITY : since };
  const reason = "only denials for a minute: check the key's policy, prefix and bucket";
  const alarm = { event: "bucket-denied", bucket: state.bucket.name, times, reason } as const;
  return changed(state, { denials }, isAlarm ? [alarm] : []);
}
