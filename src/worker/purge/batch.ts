// Gathers the objects of requests that arrive together, because calls are few (W10). Pure: `now` is passed
// in, in ms since 1970, and each function returns the batches as they are afterwards.

import { isWithin } from "../base/is-within.ts";
import type { Fates } from "./purge-objects.ts";
import type { Target } from "./targets.ts";

/** How long the first request of a batch waits for others: ms. */
export const WINDOW_MS = 1_000;

/** So many objects that are gathered take all the calls of a burst (W10). */
const MOST_GATHERED = 2_500;

/** A request that was cut off leaves its batch behind: ms. */
const FORGOTTEN_MS = 60_000;

export type Batch = {
  readonly began: number;
  /** By their URLs at the origin. */
  readonly targets: ReadonlyMap<string, Target>;
  /** What becomes of them. It tells the batches apart, and never ends if its request was cut off. */
  readonly ended: Promise<Fates>;
};

/**
 * Adds objects to the batch that is open.
 * @returns undefined if none is open, or if it is full
 */
export function joinBatch(
  batches: readonly Batch[],
  targets: readonly Target[],
  now: number,
): { readonly batches: readonly Batch[]; readonly ended: Promise<Fates> } | undefined {
  const open = batches.find(
    ({ began, targets: { size } }) =>
      isWithin(WINDOW_MS, began, now) && size + targets.length <= MOST_GATHERED,
  );
  if (!open) return undefined;
  const joined = { ...open, targets: new Map([...open.targets, ...byUrl(targets)]) };
  return {
    batches: batches.map((batch) => (batch === open ? joined : batch)),
    ended: open.ended,
  };
}

/** Opens a batch. */
export function openBatch(
  batches: readonly Batch[],
  targets: readonly Target[],
  ended: Promise<Fates>,
  now: number,
): readonly Batch[] {
  const others = batches.filter(({ began }) => isWithin(FORGOTTEN_MS, began, now));
  return [...others, { began: now, targets: new Map(byUrl(targets)), ended }];
}

/** Takes a batch out, with all that was added to it. */
export function closeBatch(
  batches: readonly Batch[],
  ended: Promise<Fates>,
): { readonly batches: readonly Batch[]; readonly targets: readonly Target[] } {
  const batch = batches.find((one) => one.ended === ended);
  return {
    batches: batches.filter((one) => one !== batch),
    targets: [...(batch?.targets.values() ?? [])],
  };
}

function byUrl(targets: readonly Target[]): [string, Target][] {
  return targets.map((target) => [target.url, target]);
}
