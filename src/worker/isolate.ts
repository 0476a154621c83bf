// What an isolate knows: its configuration, checked once, and what it knows of each bucket. All that
// changes while it runs is kept here.

import { logNotice } from "./base/log.ts";
import type { Bucket } from "./config/bucket.ts";
import { type Broken, type Config, readConfig } from "./config/config.ts";
import { sameSecrets } from "./config/read-secrets.ts";
import type { Vars } from "./config/schema.ts";
import { askStores, fillIn, type Given, latest, storesOf } from "./config/store.ts";
import { carryOver, startState } from "./s3/bucket-state.ts";
import { createMemory, type Memory } from "./s3/memory.ts";

/** For how long the values of a Secrets Store are used, and a configuration that they break: ms. */
const STORED_MS = 60_000;
const BROKEN_MS = 5_000;

type Checked = {
  readonly vars: Vars;
  readonly config: Config | Broken;
  /** The last configuration that was right. */
  readonly right: Config | undefined;
  readonly until: number;
  /** What the stores gave last. */
  readonly given: Given;
};

const checked = new WeakMap<object, Checked>();
const memories = new WeakMap<Bucket, Memory>();

/**
 * The configuration of an isolate, read and checked once. Secrets of a Secrets Store may change there
 * without a deploy: they are read again every minute. Where the store does not give one then, its last
 * value is used.
 * @param now ms since 1970
 */
export function configOf(env: object, now: number): Config | Broken | Promise<Config | Broken> {
  const before = checked.get(env);
  return before && now < before.until ? before.config : checkAgain(env, now);
}

async function checkAgain(env: object, now: number): Promise<Config | Broken> {
  const stores = storesOf(env);
  const asked = await askStores(stores);
  const known = checked.get(env); // another request may have asked meanwhile
  const given = latest(known?.given ?? new Map(), asked);
  const vars = fillIn(env, stores, given);
  const isSame = known && sameSecrets(vars, known.vars);
  const config = isSame ? known.config : readConfig(vars);
  const isBroken = "mistakes" in config;
  const right = isBroken ? known?.right : config;
  if (!isBroken && !isSame && known?.right) carryOverAll(config, known.right);
  const isFinal = stores.size === 0;
  const until = isFinal ? Number.POSITIVE_INFINITY : now + (isBroken ? BROKEN_MS : STORED_MS);
  checked.set(env, { vars, config, right, until, given });
  return config;
}

/** What this isolate knows of a bucket. */
export function memoryOf(bucket: Bucket): Memory {
  const known = memories.get(bucket) ?? createMemory(startState(bucket), logNotice);
  memories.set(bucket, known);
  return known;
}

function carryOverAll(config: Config, before: Config): void {
  for (const bucket of config.buckets) {
    const old = before.buckets.find(({ name }) => name === bucket.name);
    if (!old) continue;
    const memory = memoryOf(old);
    memories.set(bucket, createMemory(carryOver(memory.state(), bucket), logNotice));
    memory.learn({ type: "replaced" });
  }
}
