// What was seen of the slots and images, and what follows from it. No I/O.

import type { Fault } from "../command.ts";

export type SlotSeen = {
  readonly slot: "current" | "next";
  /** The end of the key's id; undefined for an incomplete key. */
  readonly end: string | undefined;
  /** `ok`, S3's code, `unreachable`, or `incomplete`. */
  readonly state: string;
};

export type BucketSeen = {
  readonly bucket: string;
  /** The slots that are not empty. */
  readonly slots: readonly SlotSeen[];
};

export type Health = readonly BucketSeen[];

export type Seen = {
  /** The buckets of this rotation. */
  readonly health: Health | Fault;
  readonly elsewhere: Health;
  /** The images that did not come, each with the reason. */
  readonly failed: readonly string[];
};

export function slotOf({ slots }: BucketSeen, name: SlotSeen["slot"]): SlotSeen | undefined {
  return slots.find(({ slot }) => slot === name);
}

export function isServed({ slots }: BucketSeen): boolean {
  return slots.some(({ state }) => state === "ok");
}

/** Codes of S3 (A9) and of other providers. */
const OUTAGES =
  /^(?:unreachable|408|429|5\d\d|SlowDown.*|ServiceUnavailable|InternalError|InternalFailure|TooManyRequests|RequestTimeout|OperationAborted|Throttling.*|RequestLimitExceeded|GatewayTimeout|BadGateway|Busy)$/;

export const OUTAGE = "S3 itself is down or busy. The keys are not the cause.";

/** Returns whether S3 is down or busy for this slot. That says nothing about its key. */
export function isOutage({ state }: SlotSeen): boolean {
  return OUTAGES.test(state);
}

/** Returns whether images could fail without the next slot. */
export function onlyNextServes(bucket: BucketSeen): boolean {
  const next = slotOf(bucket, "next");
  const mayServe = next !== undefined && (next.state === "ok" || isOutage(next));
  return mayServe && slotOf(bucket, "current")?.state !== "ok";
}

/** Says which slot serves: the current one, unless S3 refuses it. */
export function serving(buckets: Health): string {
  const each = buckets.map(({ bucket, slots }) => {
    const slot = slots.find(({ state }) => state === "ok");
    const text = slot ? `the ${slot.slot} slot (${slot.end}) serves` : "no slot serves";
    return { bucket, text };
  });
  const texts = new Set(each.map(({ text }) => text));
  if (texts.size <= 1) return [...texts].join() || "no slot serves";
  return each.map(({ bucket, text }) => `${bucket}: ${text}`).join("; ");
}
