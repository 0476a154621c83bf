// Purges objects together with those of other requests that arrive within the same second: an event is about
// one object, and calls are few (W10).

import { isWithin } from "../base/is-within.ts";
import { LATE, within } from "../base/time-limit.ts";
import type { Config } from "../config/config.ts";
import { type PurgeScope, purgeObjects, TIMED_OUT } from "./purge-cache.ts";
import type { PurgeResults } from "./report.ts";
import type { Target } from "./targets.ts";

/** How long the first request waits for others: ms. */
const WINDOW_MS = 1_000;

type Batch = {
  /** By their URLs at the origin. Requests add to it until the window is over. */
  readonly targets: Map<string, Target>;
  readonly beganAt: number;
  readonly results: Promise<PurgeResults>;
};

/** The batch that requests may join. */
const batches = new WeakMap<Config, Batch>();

/** @returns what became of each object, at the latest when the caller's time is over */
export async function gatherPurge(
  own: readonly Target[],
  config: Config,
  scope: PurgeScope,
): Promise<PurgeResults> {
  const open = batches.get(config);
  // A request that was cut off leaves its batch behind.
  const isOpen = open && isWithin(WINDOW_MS, open.beganAt, Date.now());
  const { targets, results } = isOpen ? open : openBatch(config, scope);
  for (const target of own) targets.set(target.url, target);
  scope.context.waitUntil(results); // others wait for it, also when this caller has left
  const ended = await within(scope.deadline - Date.now(), results);
  return ended === LATE ? new Map(own.map(({ url }) => [url, TIMED_OUT])) : ended;
}

function openBatch(config: Config, scope: PurgeScope): Batch {
  const targets: Batch["targets"] = new Map();
  const batch = { targets, beganAt: Date.now(), results: purgeLater(targets, config, scope) };
  batches.set(config, batch);
  return batch;
}

/** Purges what requests have added until the window is over. */
async function purgeLater(targets: Batch["targets"], config: Config, scope: PurgeScope) {
  await scheduler.wait(WINDOW_MS);
  if (batches.get(config)?.targets === targets) batches.delete(config);
  return purgeObjects([...targets.values()], scope);
}
