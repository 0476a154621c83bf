import { mistakeText } from "../base/mistake.ts";
import { isRefusal, type Refusal, type RefusedSlot } from "../base/refusal.ts";
import type { Unusable } from "../config/secrets.ts";
import type { Print } from "../edge/rendition.ts";
import { inOrder, isWithin, keyEnd, type Slot, type SlotName } from "./slot.ts";

/** What the log is told beside refusals. */
export type Notice =
  | BucketNotice
  | { readonly event: "limiter-failed"; readonly route: string; readonly reason: string };

/** What the log is told of a bucket once a change, whatever the traffic. */
export type BucketNotice = { readonly bucket: string } & (
  | ({ readonly event: "slot-refused" } & RefusedSlot)
  | {
      readonly event: "slot-in-use";
      readonly slot: SlotName;
      readonly access_key: string;
      /** Why it is not the current one, if S3 did not refuse that. */
      readonly reason?: string | undefined;
    }
  | { readonly event: "bucket-denied"; readonly times: number; readonly reason: string }
);

/** What the log was told of a bucket. */
export type Told = {
  /** Undefined while S3 refuses all slots. */
  inUse: SlotName | undefined;
  refused: readonly RefusedSlot[];
  /** When all slots were told to be refused: milliseconds since 1970. */
  allRefusedAt?: number | undefined;
  /** True once the bucket was opened anew: what is learnt of the old one is no news. */
  replaced?: boolean;
  /** The denials since anything else came, if nothing did. */
  denials?: { times: number; readonly since: number; alarmed: boolean } | undefined;
};

/** What is watched of a bucket. */
type Watched = {
  readonly name: string;
  readonly slots: readonly Slot[];
  readonly unusable: readonly Unusable[];
  readonly told: Told;
};

/** For how long nothing but failures is told once: milliseconds. */
const WHILE_MS = 60_000;

/** A few missing objects are no alarm. */
const LEAST_DENIALS = 10;

/** What a reader of the log takes for granted. */
export function toldNothing(): Told {
  return { inUse: "current", refused: [] };
}

/** What changed with the slots since the log was told. */
export function slotNotices({ name: bucket, slots, unusable, told }: Watched): BucketNotice[] {
  if (told.replaced) return [];
  const refused = refusedSlots(slots);
  const [first] = inOrder(slots);
  const inUse = refused.length < slots.length ? first : undefined;
  const notices: BucketNotice[] = [];
  if (inUse !== undefined) {
    for (const one of refused) {
      const known = told.refused.some(
        ({ slot, origin }) => slot === one.slot && origin === one.origin,
      );
      if (!known) notices.push({ event: "slot-refused", bucket, ...one });
    }
    if (inUse.name !== told.inUse) {
      const slot = inUse.name;
      const mistakes = slot === "current" ? [] : mistakesOf(unusable);
      const reason = mistakes.join("; ") || undefined;
      notices.push({ event: "slot-in-use", bucket, slot, access_key: keyEnd(inUse), reason });
    }
    told.allRefusedAt = undefined;
  }
  told.inUse = inUse?.name;
  told.refused = refused;
  return notices;
}

/** The alarm where a bucket has denied every object for a while, though S3 knows the key. */
export function denialNotices(
  { name: bucket, told }: Watched,
  outcome: Print | Refusal,
  now: number,
): BucketNotice[] {
  const event = isRefusal(outcome) ? outcome.event : undefined;
  if (event === "object-denied") {
    told.denials ??= { times: 0, since: now, alarmed: false };
    const { denials } = told;
    denials.times += 1;
    const { times, since, alarmed } = denials;
    if (alarmed || times < LEAST_DENIALS || now - since < WHILE_MS) return [];
    denials.alarmed = true;
    const reason = "nothing but denials for a minute: check the key's policy, prefix and bucket";
    return [{ event: "bucket-denied", bucket, times, reason }];
  }
  // What S3 gives or knows to be missing ends it; what fails before S3 is asked does not.
  const known = event === undefined || event === "object-missing" || event === "source-unreadable";
  if (known) told.denials = undefined;
  return [];
}

/** What is answered while S3 refuses all slots; the log has it once a while. */
export function allRefused({ slots, unusable, told }: Watched, now: number): Refusal {
  const repeated = isWithin(WHILE_MS, told.allRefusedAt, now);
  if (!repeated) told.allRefusedAt = now;
  const remedy = "put a key that works into the next slot";
  const reason = [remedy, ...mistakesOf(unusable)].join("; ");
  return { event: "slots-refused", slots: refusedSlots(slots), reason, repeated };
}

/** What the secrets of the slots that cannot be used lack. */
export function mistakesOf(unusable: readonly Unusable[]): string[] {
  return unusable.flatMap(({ mistakes }) => mistakes.map(mistakeText));
}

function refusedSlots(slots: readonly Slot[]): RefusedSlot[] {
  return slots.flatMap((slot) => {
    if (slot.refused === undefined) return [];
    return [{ slot: slot.name, origin: slot.refused.origin, access_key: keyEnd(slot) }];
  });
}
