import type { Period } from "./sign-request.ts";
import type { Credentials } from "./sigv4.ts";
import { knowsSlot, type Verdict } from "./verdict.ts";

export const SLOT_NAMES = ["current", "next"] as const;
export type SlotName = (typeof SLOT_NAMES)[number];

/** One of the credential pairs of a bucket, and what this isolate knows of it. */
export type Slot = {
  readonly name: SlotName;
  readonly credentials: Credentials;
  /** What it signs with in this period. */
  signing?: Period;
  /** What S3 said when it was last asked with it. */
  last?: Finding | undefined;
  /** Where S3 refused it: with which code, and when it was last seen to. */
  refused?: { readonly origin: string; readonly at: number } | undefined;
};

export type Finding = {
  readonly url: string;
  readonly verdict: Verdict;
  /** When it answered: milliseconds since 1970. */
  readonly at: number;
};

/** For how long S3's word on a slot is taken for true, and it is not asked again: milliseconds. */
const FRESH_MS = 3_000;

/** After how long a refused slot is tried again, while another one serves: milliseconds. */
const RETRY_MS = 60_000;

/** True for a moment after something was, if it was; and not where the clock was set back by more. */
export function isWithin(ms: number, at: number | undefined, now: number): boolean {
  return at !== undefined && Math.abs(now - at) < ms;
}

/** What S3 said of the slot only just, if it did. */
export function freshFinding({ last }: Slot, now: number): Finding | undefined {
  return isWithin(FRESH_MS, last?.at, now) ? last : undefined;
}

/** True if asking with a slot is of no use, since S3 refused it only just. */
export function isHopeless({ refused }: Slot, now: number): boolean {
  return isWithin(FRESH_MS, refused?.at, now);
}

/** True if a refused slot may be asked with again, though nothing needs it. */
export function isDue({ refused }: Slot, now: number): boolean {
  return refused !== undefined && !isWithin(RETRY_MS, refused.at, now);
}

/** The slots as they are to be tried: those that S3 refused come last. */
export function inOrder(slots: readonly Slot[]): Slot[] {
  return [...slots].sort((one, other) => Number(!!one.refused) - Number(!!other.refused));
}

/** Keeps what S3 said. Only where it knew the slot, a refusal is over. */
export function note(slot: Slot, finding: Finding): void {
  const { verdict, at } = finding;
  slot.last = finding;
  if (verdict.fault === "slot") slot.refused = { origin: verdict.origin, at };
  else if (knowsSlot(verdict)) slot.refused = undefined;
  else if (slot.refused !== undefined) slot.refused = { ...slot.refused, at };
}

/** True if two slots hold one key. */
export function isSameKey({ credentials }: Slot, other: Slot | undefined): boolean {
  return (
    credentials.accessKeyId === other?.credentials.accessKeyId &&
    credentials.secretAccessKey === other.credentials.secretAccessKey
  );
}

/**
 * Takes a refusal back where the edge had a print made with the slot that it denied to the other one.
 * @param began when the edge was asked: what S3 said since then holds
 */
export function takeBack(slot: Slot, began: number): void {
  if (slot.refused !== undefined && slot.refused.at < began) slot.refused = undefined;
}

/**
 * The end of an access key id, by which an operator knows it: its last four characters, or fewer of an
 * id so short that they would tell it.
 */
export function keyEnd({ credentials: { accessKeyId } }: Slot): string {
  return `…${accessKeyId.slice(8).slice(-4)}`;
}
