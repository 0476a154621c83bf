// What `vitrine check` reminds of where pictures are kept for long. It may well be meant, and is right then: so the doctor,
// whose exit code tells a monitor that something is wrong, does not repeat it.

import { lifetimesOf } from "../../worker/config/answers.ts";
import type { Config } from "../../worker/config/config.ts";
import { page } from "../command.ts";
import { count } from "../terminal/progress.ts";
import type { EnvironmentConfig } from "./environment-config.ts";
import { eventQueueOf } from "./event-queue.ts";
import type { Warning } from "./mistakes.ts";

export function* policyWarnings(envConfig: EnvironmentConfig, config: Config): Generator<Warning> {
  yield* keepWarnings(envConfig, config);
  yield* immutableWarnings(config);
}

/** A picture that is replaced or deleted may well be shown for so long without an event: s. */
const LONG_KEEP_S = 3600;

/** Finds a long `keep` where no queue brings the events of the buckets. What asks /purge is not in this file. */
function* keepWarnings(envConfig: EnvironmentConfig, config: Config): Generator<Warning> {
  if (eventQueueOf(envConfig) !== undefined) return;

  for (const { path, keep } of longKeepsOf(config)) {
    yield {
      path,
      message: `${path} is ${count(keep)} s, and no queue brings events: a picture that is replaced, deleted or denied is shown for so long, unless it is purged`,
      remedy: `have the bucket's events purge it: ${page("docs/events.md")}. If EventBridge asks /purge, that is done`,
    };
  }
}

/** A setting by which pictures are kept for long, and the names of their buckets. */
export type LongKeep = {
  /** `ANSWERS.keep`, for example. */
  readonly path: string;
  readonly keep: number;
  readonly buckets: ReadonlySet<string>;
};

/** Finds what is kept for long, and may change. */
export function longKeepsOf({ routes, answers }: Config): readonly LongKeep[] {
  const settings = new Map<string, LongKeep>();
  for (const { option, policy, buckets } of routes) {
    const { keep } = lifetimesOf(policy, answers);
    if (keep <= LONG_KEEP_S || policy.isImmutable) continue;

    // The routes without a keep of their own share a setting.
    const isGeneral = keep === answers.keep;
    const path = isGeneral ? "ANSWERS.keep" : `${option}.answers.keep`;
    const names = new Set(settings.get(path)?.buckets);
    for (const { name } of buckets) names.add(name);
    settings.set(path, { path, keep, buckets: names });
  }
  return [...settings.values()];
}

/** Says what `immutable` means: nobody can take it back. */
function* immutableWarnings({ routes }: Config): Generator<Warning> {
  for (const { option, path, policy, signing } of routes) {
    if (!policy.isImmutable) continue;

    const seconds = `${count(policy.maxAge)} s`;
    const limit = signing === undefined ? seconds : `${seconds}, or until its URL expires`;
    yield {
      path: `${option}.answers.immutable`,
      message: `${option}.answers.immutable: a browser that has a picture of ${path} shows it for ${limit}, and does not ask again. A replaced object, a changed preset and a purge do not reach it`,
      remedy: `that is right if a new picture always gets a new key or preset. Else remove it: ${page("docs/cache.md")}, Routes with terms of their own`,
    };
  }
}
