// Purges objects together with those of other requests that arrive within the same second: an event is about
// one object, and calls are few (W10). The first request makes the calls for all.

import { logNotice } from "./base/log.ts";
import type { RequestScope } from "./base/request-scope.ts";
import { LATE, within } from "./base/time-limit.ts";
import type { Config } from "./config/config.ts";
import { type Backlog, fillUp, isPurgedSince, NO_BACKLOG, remember } from "./purge/backlog.ts";
import { type Batch, closeBatch, joinBatch, openBatch, WINDOW_MS } from "./purge/batch.ts";
import { hindrance } from "./purge/hindrance.ts";
import { type Caches, type Fates, MOST_A_CALL, purgeObjects } from "./purge/purge-objects.ts";
import { noticeOf } from "./purge/report.ts";
import type { Target } from "./purge/targets.ts";

/** @returns what became of each object, at the latest when the caller's time is over */
export async function gatherPurge(
  given: readonly Target[],
  config: Config,
  caches: Caches,
  visit: RequestScope,
): Promise<Fates> {
  const { backlog } = purgesOf(config);
  const targets = given.filter((target) => !isPurgedSince(backlog, target));
  if (targets.length === 0) return new Map();
  const ended = begin(targets, config, caches, visit);
  const fates = await within(visit.deadline - Date.now(), ended).catch((): typeof LATE => LATE);
  if (fates !== LATE) return fates;
  const late = hindrance("late", "whether it is purged is not known in time");
  return tell(targets, new Map(targets.map(({ url }) => [url, late])));
}

function begin(
  targets: readonly Target[],
  config: Config,
  caches: Caches,
  { context, deadline }: RequestScope,
): Promise<Fates> {
  // So many objects make full calls by themselves.
  if (targets.length >= MOST_A_CALL) {
    const ended = purgeAndTell(targets, config, caches, deadline);
    context.waitUntil(ended);
    return ended;
  }
  const now = Date.now();
  const { batches } = purgesOf(config);
  const joined = joinBatch(batches, targets, now);
  if (joined) {
    learnPurges(config, { batches: joined.batches });
    return joined.ended;
  }
  const ended: Promise<Fates> = scheduler.wait(WINDOW_MS).then(() => {
    const closed = closeBatch(purgesOf(config).batches, ended);
    learnPurges(config, { batches: closed.batches });
    return purgeAndTell(closed.targets, config, caches, deadline);
  });
  learnPurges(config, { batches: openBatch(batches, targets, ended, now) });
  context.waitUntil(ended); // others wait for it, also when this caller has left
  return ended;
}

async function purgeAndTell(
  own: readonly Target[],
  config: Config,
  caches: Caches,
  deadline: number,
): Promise<Fates> {
  const began = Date.now();
  const targets = fillUp(purgesOf(config).backlog, own, MOST_A_CALL);
  const fates = await purgeObjects(targets, caches, deadline);
  const { backlog } = purgesOf(config);
  learnPurges(config, { backlog: remember(backlog, targets, fates, began) });
  return tell(own, fates);
}

/** Tells the log what is not purged: one line a batch. */
function tell(targets: readonly Target[], fates: Fates): Fates {
  const left = targets.filter(({ url }) => fates.get(url));
  const reason = left[0] && fates.get(left[0].url)?.reason;
  const names = left.map(({ name }) => name);
  if (reason !== undefined) logNotice(noticeOf(reason, names));
  return fates;
}

type Purges = { readonly batches: readonly Batch[]; readonly backlog: Backlog };

const purges = new WeakMap<Config, Purges>();

function purgesOf(config: Config): Purges {
  return purges.get(config) ?? { batches: [], backlog: NO_BACKLOG };
}

function learnPurges(config: Config, changed: Partial<Purges>): void {
  purges.set(config, { ...purgesOf(config), ...changed });
}
