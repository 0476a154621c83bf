// The runbook of docs/rotate.md as data, and the one function that says which step is next. No I/O. Nothing
// is remembered: what the slots hold says how far a rotation is.

import { SLOT_NAMES, type SlotName } from "../../worker/http/refusal.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import type { SlotHealth } from "../../worker/origin/health.ts";

/** What a slot must be. `new`: S3 accepts the new key in it. `free`: it is empty, or holds half a key or the new one. */
type Want = "new" | "empty" | "free";

export type Put = { readonly slot: SlotName; readonly value: "new" | "empty" };

export type Step = {
  readonly title: string;
  /** What it puts into which slot; without it, the operator does the step. */
  readonly puts?: Put;
  /** What must be true before it in every bucket. A next slot with another key is never overwritten. */
  readonly before: { readonly [Name in SlotName]?: Want };
  /** Whether that must stay true for a while, until all of S3 knows the key and no old version runs. */
  readonly isWatched?: true;
};

export const MAKE: Step = { title: "Make a new key", before: {} };
export const FILL: Step = {
  title: "Put it into the next slot",
  puts: { slot: "next", value: "new" },
  before: { next: "free" },
};
const PROMOTE: Step = {
  title: "Promote it into the current slot",
  puts: { slot: "current", value: "new" },
  before: { next: "new" },
  isWatched: true,
};
const EMPTY: Step = {
  title: "Empty the next slot",
  puts: { slot: "next", value: "empty" },
  before: { current: "new", next: "free" },
  isWatched: true,
};
const DEACTIVATE: Step = {
  title: "Deactivate the old key",
  before: { current: "new", next: "empty" },
};
export const STEPS: readonly Step[] = [MAKE, FILL, PROMOTE, EMPTY, DEACTIVATE];

/**
 * Why a slot is not as a step needs it. `taken`: by another key. `absent`: what the last step put is not there.
 * `refused`: S3 refuses the new key in it.
 */
export type Deviation = { readonly cause: "taken" | "absent" | "refused"; readonly text: string };

/**
 * Says which step is next: the last one that may begin in every bucket.
 * @param newEnd the end of the new key's id
 * @param last the step that was done last: the next one comes after it
 * @returns with deviations if none may begin
 */
export function nextStep(buckets: readonly BucketHealth[], newEnd: string, last: Step) {
  const [first = DEACTIVATE, ...rest] = STEPS.slice(STEPS.indexOf(last) + 1);
  const deviations = ({ before }: Step) =>
    buckets.flatMap((bucket) =>
      SLOT_NAMES.flatMap((name) => deviation(bucket, name, before[name], newEnd) ?? []),
    );
  const step = [first, ...rest].findLast((one) => deviations(one).length === 0);
  return { step: step ?? first, wrong: step ? [] : deviations(first) };
}

function deviation(
  bucket: BucketHealth,
  name: SlotName,
  want: Want | undefined,
  newEnd: string,
): Deviation | undefined {
  const slot = slotOf(bucket, name);
  const isHalf = slot?.state === "incomplete";
  const isNew = slot !== undefined && !isHalf && slot.access_key === newEnd;
  const holds = slot ? `holds ${isHalf ? "half a key" : slot.access_key}` : "is empty";
  const where = `${bucket.bucket}: the ${name} slot ${holds}`;
  if (want !== undefined && name === "next" && slot && !isHalf && !isNew) {
    return { cause: "taken", text: `${where}, which is another key (${slot.state})` };
  }
  if (want === "empty" && slot) return { cause: "absent", text: `${where}, and must be empty` };
  if (want !== "new") return undefined;
  if (!isNew) return { cause: "absent", text: `${where}, and must hold the new key, ${newEnd}` };
  if (slot.state === "ok") return undefined;
  return { cause: "refused", text: `${where}, and S3 answers ${slot.state} for it` };
}

export function slotOf({ slots }: BucketHealth, name: SlotName): SlotHealth | undefined {
  return slots.find(({ slot }) => slot === name);
}

export function isServed({ slots }: BucketHealth): boolean {
  return slots.some(({ state }) => state === "ok");
}

/** Codes of S3 (A9) and of other providers: it is down or busy, which says nothing about a key. */
const OUTAGES =
  /^(?:unreachable|408|429|5\d\d|SlowDown.*|ServiceUnavailable|InternalError|InternalFailure|TooManyRequests|RequestTimeout|OperationAborted|Throttling.*|RequestLimitExceeded|GatewayTimeout|BadGateway|Busy)$/;

export function isOutage({ state }: SlotHealth): boolean {
  return OUTAGES.test(state);
}
