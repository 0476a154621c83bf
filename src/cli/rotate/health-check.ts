// The health of slots, as far as a rotation goes by it.

import type { SlotName } from "../../worker/base/slot-name.ts";
import type { SlotHealth } from "../../worker/health.ts";
import { type Fault, isFault } from "../command.ts";
import { askHealth } from "../net/ask-health.ts";

export type SlotSeen = {
  readonly slot: SlotName;
  /** The end of the key's id; undefined of an incomplete one. */
  readonly end: string | undefined;
  /** `ok`, S3's code, `unreachable`, or `incomplete`. */
  readonly state: string;
};

export type BucketSeen = {
  readonly bucket: string;
  /** Those that there are. */
  readonly slots: readonly SlotSeen[];
};

/** Asks for the health of every bucket. */
export async function seeHealth(
  base: string,
  token: string,
  interrupted: AbortSignal,
): Promise<readonly BucketSeen[] | Fault> {
  const health = await askHealth(base, token, interrupted);
  const url = `${base}/healthz`;
  if (!("buckets" in health)) return { fault: `${url}: ${health.reason}` };
  const read: BucketSeen[] = [];
  for (const { bucket, slots } of health.buckets) {
    const seen: SlotSeen[] = [];
    for (const slot of slots.map(readSlot)) {
      if (isFault(slot)) return { fault: `${url}: ${slot.fault}` };
      seen.push(slot);
    }
    read.push({ bucket, slots: seen });
  }
  return read;
}

function readSlot({ slot, state, access_key: end }: SlotHealth): SlotSeen | Fault {
  if (state === "incomplete") return { slot, state, end: undefined };
  if (end !== undefined) return { slot, state, end };
  return { fault: "does not say which key a slot has: deploy Vitrine from here first" };
}
