// Purges objects together with those of other requests that arrive within the same second: an event is about
// one object, and calls are few (W10).

import { isWithin } from "../base/is-within.ts";
import { LATE, within } from "../base/time-limit.ts";
import type { Loopback } from "../cache/loopback.ts";
import type { Config } from "../config/config.ts";
import type { Visit } from "../origin/probe.ts";
import { purgeObjects, TIMED_OUT } from "./purge-cache.ts";
import type { PurgeResults } from "./report.ts";
import type { Target } from "./targets.ts";

/** How long the first request waits for others: ms. */
const WINDOW_MS = 1_000;

/** Objects a request, and a batch: two calls. */
export const MAX_OBJECTS = 200;

type Batch = {
  /** By their URLs at the origin. Requests add to it until the window is over. */
  readonly targets: Map<string, Target>;
  readonly beganAt: number;
  readonly results: Promise<PurgeResults>;
};

/** The batch that requests may join. */
const batches = new WeakMap<Config, Batch>();

/**
 * @param own up to MAX_OBJECTS
 * @returns what became of each, at the latest when the caller's time is over
 */
export async function gatherPurge(
  own: readonly Target[],
  config: Config,
  loopback: Loopback | undefined,
  { context, deadline }: Visit,
): Promise<PurgeResults> {
  const open = batches.get(config);
  // A request that was cut off leaves its batch behind.
  const canJoin =
    open &&
    isWithin(WINDOW_MS, open.beganAt, Date.now()) &&
    open.targets.size + own.length <= MAX_OBJECTS;
  const batch = canJoin ? open : openBatch(config, loopback, deadline);
  for (const target of own) batch.targets.set(target.url, target);
  context.waitUntil(batch.results); // others wait for it, also when this caller has left
  const results = await within(deadline - Date.now(), batch.results);
  return results === LATE ? new Map(own.map(({ url }) => [url, TIMED_OUT])) : results;
}

function openBatch(config: Config, loopback: Loopback | undefined, deadline: number): Batch {
  const targets: Batch["targets"] = new Map();
  const results = purgeLater(targets, config, loopback, deadline);
  const batch = { targets, beganAt: Date.now(), results };
  batches.set(config, batch);
  return batch;
}

/** Purges what requests have added until the window is over. */
async function purgeLater(
  targets: Batch["targets"],
  config: Config,
  loopback: Loopback | undefined,
  deadline: number,
): Promise<PurgeResults> {
  await scheduler.wait(WINDOW_MS);
  if (batches.get(config)?.targets === targets) batches.delete(config);
  return purgeObjects([...targets.values()], loopback, deadline);
}
