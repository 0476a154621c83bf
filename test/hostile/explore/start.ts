// What caches and the store have when a world begins: what one visitor has left there, and how long ago that was.

import type { ExploredWorker } from "./deliveries.ts";
import { execute } from "./execution.ts";
import { createStage, KEEP_S, NOTHING, type Snapshot, STALE_S } from "./stage.ts";
import type { Start, World } from "./worlds.ts";

/** How long ago the visitor came: s. */
const AGES: Readonly<Record<Start, number>> = {
  empty: 0,
  fresh: KEEP_S / 2,
  stale: KEEP_S + STALE_S / 2,
  expired: KEEP_S + 2 * STALE_S,
  stored: KEEP_S + 2 * STALE_S,
};

export async function snapshotOf(world: World, worker: ExploredWorker): Promise<Snapshot> {
  const { start, hasStore, visits } = world;
  if (start === "empty") return NOTHING;

  let snapshot = NOTHING;
  for (const [index, visit] of visits.entries()) {
    const before: World = { name: `before ${index}`, start: "empty", hasStore, visits: [visit] };
    const stage = createStage(before, worker, snapshot);
    const rules = { hasAnswerOrders: false, hasEarlyTimers: false, isFree: true };
    await execute(stage, rules, ([first]) => first);
    snapshot = stage.snapshot(0);
  }

  const time = snapshot.time + AGES[start] * 1000;
  if (start === "stored") return { ...snapshot, cache: new Map(), time };
  return { ...snapshot, time };
}
