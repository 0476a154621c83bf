// The runbook of docs/rotate.md as data, and the one function that decides which step is next. A bucket has two slots, each for
// one key pair: `current` and `next`. Nothing is remembered: how far a rotation is, is read from what the slots hold. So a
// rotation can be stopped anywhere, and begun again. No I/O.

import { SLOT_NAMES, type SlotName } from "../../worker/http/refusal.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import type { SlotHealth } from "../../worker/origin/health.ts";
import { type CommandFault, isFault } from "../command.ts";

/**
 * What a slot must be.
 * - `new`: it holds the new key, and S3 accepts that.
 * - `empty`: it holds nothing.
 * - `free`: it may be written. It is empty, or holds half a key or the new one.
 */
type SlotCondition = "new" | "empty" | "free";

export type Put = {
  readonly slot: SlotName;
  readonly value: "new" | "empty";
};

export type Step = {
  readonly title: string;
  /** What the step puts into which slot; undefined: the operator does the step. */
  readonly puts?: Put;
  /** The conditions of the step, which every bucket must meet. */
  readonly before: {
    readonly current?: SlotCondition;
    readonly next?: SlotCondition;
  };
  /**
   * Whether the conditions must be met for a while (`Polling.watchS` of watch.ts): until all of S3 knows the new key, and no old
   * version of the Worker runs.
   */
  readonly isWatched?: true;
};

// The operator has made the new key before the first step.

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
 * It is watched, because somebody else may have emptied the next slot while this run promoted its key. Then old versions of the
 * Worker may still sign with the old key. After EMPTY of the same run it is not watched: that step was (watch.ts).
 */
const DEACTIVATE: Step = {
  title: "Deactivate the old key",
  before: { current: "new", next: "empty" },
  isWatched: true,
};

type Steps = readonly [Step, ...Step[]];

export const STEPS: Steps = [FILL, PROMOTE, EMPTY, DEACTIVATE];

/**
 * Returns the steps that are left. The list is never empty: the last step is the operator's, so no run has done it.
 * @param last the step that this run has done last; undefined: it has done none
 */
export function stepsAfter(last: Step | undefined): Steps {
  switch (last) {
    case undefined:
      return STEPS;
    case FILL:
      return [PROMOTE, EMPTY, DEACTIVATE];
    case PROMOTE:
      return [EMPTY, DEACTIVATE];
    default:
      return [DEACTIVATE];
  }
}

/** Why no step may begin, ordered by priority: the first cause that there is, is reported. */
const CAUSES = [
  "outage", // S3 is down or busy
  "taken", // another key is in the next slot
  "absent", // what the last step put is not there
  "refused", // S3 refuses the new key
  "images", // there is no image, although a key works
] as const;

type Obstacle = {
  readonly cause: (typeof CAUSES)[number];
  readonly text: string;
};

/** A step may begin. */
type Ready = {
  readonly kind: "ready";
  readonly step: Step;
  readonly buckets: readonly BucketHealth[];
};

/** No step may begin. */
export type Blocked = {
  readonly kind: "blocked";
  /** `no-health`: /healthz does not report. */
  readonly cause: Obstacle["cause"] | "no-health";
  readonly details: readonly string[];
  readonly buckets: readonly BucketHealth[];
};

export type Decision = Ready | Blocked;

/**
 * Decides which step is next: the last one that may begin in every bucket. So steps that are done already are skipped.
 * @param health a fault if /healthz does not report
 * @param last the step that this run has done last, so the next one comes after it; undefined: it has done none
 */
export function decideStep(
  newMaskedId: string,
  health: readonly BucketHealth[] | CommandFault,
  last: Step | undefined,
): Decision {
  if (isFault(health)) {
    return { kind: "blocked", cause: "no-health", details: [health.fault], buckets: [] };
  }

  const remaining = stepsAfter(last);
  const ready = remaining.findLast((step) => {
    const stepObstacles = findObstacles(step, health, newMaskedId);
    return stepObstacles.length === 0;
  });

  // If no step may begin, the report says what the first one waits for. (A step that may begin has no obstacle of its own.)
  const [first] = remaining;
  const step = ready ?? first;
  const outages = health.flatMap(findOutages);
  const obstacles = [...findObstacles(step, health, newMaskedId), ...outages];

  for (const cause of CAUSES) {
    const ofCause = obstacles.filter((obstacle) => obstacle.cause === cause);
    if (ofCause.length === 0) continue;

    const details = ofCause.map(({ text }) => text);
    return { kind: "blocked", cause, details, buckets: health };
  }

  return { kind: "ready", step, buckets: health };
}

/** Finds the conditions of a step that are not met. */
function findObstacles(
  { before }: Step,
  health: readonly BucketHealth[],
  newMaskedId: string,
): Obstacle[] {
  const obstacles: Obstacle[] = [];
  for (const bucket of health) {
    for (const name of SLOT_NAMES) {
      const condition = before[name];
      if (condition === undefined) continue;

      const obstacle = findObstacle(bucket, name, condition, newMaskedId);
      if (obstacle !== undefined) obstacles.push(obstacle);
    }
  }
  return obstacles;
}

/** Compares a slot with its condition. @returns undefined if the condition is met */
function findObstacle(
  bucket: BucketHealth,
  name: SlotName,
  condition: SlotCondition,
  newMaskedId: string,
): Obstacle | undefined {
  const slot = slotOf(bucket, name);
  const isHalf = slot?.state === "incomplete";
  const isNew = !isHalf && slot?.access_key === newMaskedId;
  const slotText = `${bucket.bucket}: the ${name} slot`;

  if (slot === undefined) {
    // An empty slot is free, too.
    if (condition !== "new") return undefined;
    const text = `${slotText} is empty, and must hold the new key, ${newMaskedId}`;
    return { cause: "absent", text };
  }

  // The current slot is expected to hold another key: the old one. In the next slot, another key is that of another rotation. It
  // is never overwritten.
  const isOtherKey = !isHalf && !isNew;
  if (name === "next" && isOtherKey) {
    const text = `${slotText} holds ${slot.access_key}, which is another key (${slot.state})`;
    return { cause: "taken", text };
  }

  const content = isHalf ? "half a key" : slot.access_key;
  switch (condition) {
    case "free":
      return undefined;

    case "empty":
      return { cause: "absent", text: `${slotText} holds ${content}, and must be empty` };

    case "new": {
      if (!isNew) {
        const text = `${slotText} holds ${content}, and must hold the new key, ${newMaskedId}`;
        return { cause: "absent", text };
      }

      if (slot.state === "ok") return undefined;
      const text = `${slotText} holds ${content}, and S3 answers ${slot.state} for it`;
      return { cause: "refused", text };
    }

    default:
      return condition satisfies never;
  }
}

/** Finds what keeps every step from beginning: S3 that is down, and images that fail. */
function findOutages(health: BucketHealth): Obstacle[] {
  const { bucket, edge, slots } = health;
  const obstacles: Obstacle[] = [];

  for (const { slot, state } of slots) {
    if (!isOutage(state)) continue;
    obstacles.push({ cause: "outage", text: `${bucket}: S3 answers ${state} for ${slot}` });
  }

  if (isServed(health) && edge !== "on") {
    obstacles.push({ cause: "images", text: `${bucket}: no image of its canary: ${edge}` });
  }
  return obstacles;
}

/** Codes of S3 (A9) and of other providers, which say that it is down or busy. They say nothing about a key. */
const OUTAGE_CODES: ReadonlySet<string> = new Set([
  "unreachable",
  "408",
  "429",
  "ServiceUnavailable",
  "InternalError",
  "InternalFailure",
  "TooManyRequests",
  "RequestTimeout",
  "OperationAborted",
  "RequestLimitExceeded",
  "GatewayTimeout",
  "BadGateway",
  "Busy",
]);

/** Returns whether a state of /healthz, which is S3's code or status, says that S3 is down or busy. */
function isOutage(state: string): boolean {
  if (OUTAGE_CODES.has(state)) return true;
  if (/^5\d\d$/.test(state)) return true;

  // Such as `SlowDownRead` and `ThrottlingException`.
  return /^(?:SlowDown|Throttling).*$/.test(state);
}

export function slotOf({ slots }: BucketHealth, name: SlotName): SlotHealth | undefined {
  return slots.find(({ slot }) => slot === name);
}

/** Returns whether S3 accepts any slot of a bucket. */
export function isServed({ slots }: BucketHealth): boolean {
  return slots.some(({ state }) => state === "ok");
}
