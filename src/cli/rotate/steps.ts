// The runbook of docs/rotate.md as data, and the one function that decides which step is next. No I/O. Nothing is
// remembered: what the slots hold shows how far a rotation is.

import { SLOT_NAMES, type SlotName } from "../../worker/http/refusal.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import type { SlotHealth } from "../../worker/origin/health.ts";
import { type CommandFault, isFault } from "../command.ts";

/** What a slot must be. `new`: S3 accepts the new key in it. `free`: it is empty, or holds half a key or the new one. */
type SlotCondition = "new" | "empty" | "free";

export type Put = { readonly slot: SlotName; readonly value: "new" | "empty" };

export type Step = {
  readonly title: string;
  /** What the step puts into which slot; undefined: the operator does the step. */
  readonly puts?: Put;
  /** The conditions of the step in every bucket. A next slot with another key is never overwritten. */
  readonly before: { readonly [Name in SlotName]?: SlotCondition };
  /** Whether the conditions must be met for a while, until all of S3 knows the key and no old version runs. */
  readonly isWatched?: true;
};

export const CREATE: Step = { title: "Make a new key", before: {} }; // done before a run
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
export const EMPTY: Step = {
  title: "Empty the next slot",
  puts: { slot: "next", value: "empty" },
  before: { current: "new", next: "free" },
  isWatched: true,
};
/**
 * Watched, because somebody else may have emptied the next slot while this run promoted its key: then old versions still
 * sign with the old one.
 */
const DEACTIVATE: Step = {
  title: "Deactivate the old key",
  before: { current: "new", next: "empty" },
  isWatched: true,
};
export const STEPS: readonly Step[] = [CREATE, FILL, PROMOTE, EMPTY, DEACTIVATE];

/**
 * Why no step may begin, in the order in which causes are reported. `outage`: S3 is down or busy. `taken`: another key
 * is in a slot. `absent`: what the last step put is not there. `refused`: S3 refuses the new key. `images`: there is no
 * image, although a key works.
 */
const CAUSES = ["outage", "taken", "absent", "refused", "images"] as const;

type Obstacle = { readonly cause: (typeof CAUSES)[number]; readonly text: string };

export type Blocked = {
  readonly cause: Obstacle["cause"] | "no-health";
  readonly details: readonly string[];
  readonly buckets: readonly BucketHealth[];
};

type Decision = Blocked | { cause?: never; step: Step; buckets: readonly BucketHealth[] };

export const isBlocked = (decision: Decision): decision is Blocked => decision.cause !== undefined;

/**
 * Decides which step is next: the last one that may begin in every bucket.
 * @param health a fault if /healthz does not report
 * @param last the step that this run has done last: the next one comes after it
 */
export function decideStep(
  newMaskedId: string,
  health: readonly BucketHealth[] | CommandFault,
  last: Step,
): Decision {
  if (isFault(health)) return { cause: "no-health", details: [health.fault], buckets: [] };
  const [first = DEACTIVATE, ...rest] = STEPS.slice(STEPS.indexOf(last) + 1);
  const unmet = ({ before }: Step) =>
    health.flatMap((bucket) =>
      SLOT_NAMES.flatMap((name) => checkSlot(bucket, name, before[name], newMaskedId) ?? []),
    );
  const step = [first, ...rest].findLast((candidate) => unmet(candidate).length === 0);
  const obstacles = [...(step ? [] : unmet(first)), ...health.flatMap(findOutages)];
  const cause = CAUSES.find((candidate) =>
    obstacles.some((obstacle) => obstacle.cause === candidate),
  );
  if (cause === undefined) return { step: step ?? first, buckets: health };
  const details = obstacles.filter((obstacle) => obstacle.cause === cause).map(({ text }) => text);
  return { cause, details, buckets: health };
}

/** What does not depend on a step: S3 that is down, and images that fail. */
function findOutages(health: BucketHealth): Obstacle[] {
  const { bucket, edge, slots } = health;
  const text = `${bucket}: no image of its canary: ${edge}`;
  return [
    ...slots.flatMap(({ slot, state }): Obstacle[] => {
      const text = `${bucket}: S3 answers ${state} for ${slot}`;
      return OUTAGES.test(state) ? [{ cause: "outage", text }] : [];
    }),
    ...(isServed(health) && edge !== "on" ? [{ cause: "images", text } as const] : []),
  ];
}

function checkSlot(
  bucket: BucketHealth,
  name: SlotName,
  condition: SlotCondition | undefined,
  newMaskedId: string,
): Obstacle | undefined {
  const slot = slotOf(bucket, name);
  const isHalf = slot?.state === "incomplete";
  const isNew = slot !== undefined && !isHalf && slot.access_key === newMaskedId;
  const content = slot ? `holds ${isHalf ? "half a key" : slot.access_key}` : "is empty";
  const state = `${bucket.bucket}: the ${name} slot ${content}`;
  if (condition !== undefined && name === "next" && slot && !isHalf && !isNew)
    return { cause: "taken", text: `${state}, which is another key (${slot.state})` };
  if (condition === "empty" && slot)
    return { cause: "absent", text: `${state}, and must be empty` };
  if (condition !== "new") return undefined; // "free" allows all but another key
  if (!isNew)
    return { cause: "absent", text: `${state}, and must hold the new key, ${newMaskedId}` };
  if (slot.state === "ok") return undefined;
  return { cause: "refused", text: `${state}, and S3 answers ${slot.state} for it` };
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
