import type { Verdict } from "./probe.ts";
import type { Credentials } from "./sign.ts";

export const SLOT_NAMES = ["current", "next"] as const;
export type SlotName = (typeof SLOT_NAMES)[number];

/** One of the credential pairs of a bucket, and what this isolate knows of it. */
export type Slot = {
  readonly name: SlotName;
  readonly credentials: Credentials;
  /** What S3 said when it was last asked with it, and when it said so: milliseconds since 1970. */
  last?: { readonly at: number; readonly verdict: Verdict };
};

/** For how long the answer to a probe is taken for true, and none is sent: milliseconds. */
const FRESH_MS = 3_000;

/** After how long a refused slot is tried again, while another one serves: milliseconds. */
const RETRY_MS = 60_000;

/** True if S3 refused the slot itself when it was last asked. */
export function isRefused({ last }: Slot): boolean {
  return last?.verdict.fault === "slot";
}

/** What S3 said of the slot only just, if it did. */
export function freshVerdict({ last }: Slot, now: number): Verdict | undefined {
  return last !== undefined && now - last.at < FRESH_MS ? last.verdict : undefined;
}

/** True if a refused slot may be asked with again, though nothing needs it. */
export function isDue(slot: Slot, now: number): boolean {
  return isRefused(slot) && now - (slot.last?.at ?? 0) >= RETRY_MS;
}

/** The slots as they are to be tried: those that S3 refused come last. */
export function inOrder(slots: readonly Slot[]): Slot[] {
  return [...slots].sort((one, other) => Number(isRefused(one)) - Number(isRefused(other)));
}

/**
 * The last four characters of an access key id, by which an operator knows it: none of an id so short
 * that they would tell it.
 */
export function keyEnd({ credentials: { accessKeyId } }: Slot): string {
  return `…${accessKeyId.slice(8).slice(-4)}`;
}
