// What an isolate knows: its configuration, checked once, what it knows of each bucket and of the cached
// entrypoint, and how much it has logged. All that it learns while it runs is kept here. What can be computed
// again is kept where it is computed: signatures, imported keys, the parts of URLs.

import { countLine, type Flood, NO_FLOOD } from "./base/flood.ts";
import { isWithin } from "./base/is-within.ts";
import { logNotice } from "./base/log.ts";
import { createMemory } from "./base/memory.ts";
import type { Refusal } from "./base/refusal.ts";
import { countRepeated, type Repeated } from "./base/repeated.ts";
import { LATE, within } from "./base/time-limit.ts";
import { type LoopbackEvent, type LoopbackState, learnLoopback } from "./cache/loopback-state.ts";
import type { Bucket, Role } from "./config/bucket.ts";
import { type Broken, type Config, readConfig } from "./config/config.ts";
import { sameSecrets } from "./config/read-secrets.ts";
import type { Vars } from "./config/schema.ts";
import { askStores, fillIn, type Given, type Stores, storesOf } from "./config/store.ts";
import { advance, type BucketMemory } from "./origin/advance.ts";
import { carryOver, startState } from "./origin/bucket-state.ts";
import type { RoleMemory } from "./origin/get-session.ts";
import type { Context } from "./origin/probe.ts";
import { advanceRole, carryOverRole, isSameRole } from "./origin/role-state.ts";
import { type Backlog, NO_BACKLOG } from "./purge/backlog.ts";
import type { Batch } from "./purge/batch.ts";

/** After how long a Secrets Store is read again, also where its values break the configuration: ms. */
const STORED_MS = 60_000;
const BROKEN_MS = 5_000;

/** How long known secrets are used while they are read again: ms. An isolate can sleep for hours. */
const MEANWHILE_MS = 60_000;

/** How long a request waits for a reading that another request began: ms. If that request is cut off, it never ends. */
const READING_MS = 5_000;

type Checked = {
  readonly vars: Vars;
  readonly config: Config | Broken;
  /** The last configuration that was right. */
  readonly right: Config | undefined;
  /** When it was read, and for how long it is used before the stores are read again: ms. */
  readonly at: number;
  readonly lasts: number;
  /** What the stores gave last. */
  readonly given: Given;
};

type Purges = { readonly batches: readonly Batch[]; readonly backlog: Backlog };

/** The last reading of the stores. */
type Reading = { readonly ended: Promise<Config | Broken>; readonly began: number };

const checked = new WeakMap<object, Checked>();
const readings = new WeakMap<object, Reading>();
const memories = new WeakMap<Bucket, BucketMemory>();
const roles = new WeakMap<Role, RoleMemory>();
const floods = new WeakMap<object, Flood>();
const purges = new WeakMap<Config, Purges>();
const loopbacks = new WeakMap<object, LoopbackState>();
const losses = new WeakMap<object, Repeated>();

/**
 * The configuration of an isolate, read and checked once. Secrets of a Secrets Store may change there
 * without a deploy: they are read again every minute, once at a time, while the known ones are used.
 * Where the store does not give one then, its last value is used.
 * @param now ms since 1970
 */
export function configOf(
  env: object,
  now: number,
  context: Context,
): Config | Broken | Promise<Config | Broken> {
  const before = checked.get(env);
  if (before && isWithin(before.lasts, before.at, now)) return before.config;
  const stores = storesOf(env);
  if (stores.size === 0) return check(env, stores, new Map(), now);

  const running = readings.get(env);
  const isRunning = running !== undefined && isWithin(READING_MS, running.began, now);
  const { ended } = isRunning ? running : readStores(env, stores, now, context);
  const isRight = before && !("mistakes" in before.config);
  if (isRight && isWithin(STORED_MS + MEANWHILE_MS, before.at, now)) return before.config;
  if (!isRunning) return ended;
  return within(READING_MS, ended).then((config) =>
    config === LATE ? configOf(env, now + READING_MS, context) : config,
  );
}

function readStores(env: object, stores: Stores, now: number, context: Context): Reading {
  const ended = askStores(stores).then((asked) => check(env, stores, asked, now));
  const reading = { ended, began: now };
  readings.set(env, reading);
  context.waitUntil(ended); // others use it, also when this visitor has left
  return reading;
}

/** Checks the configuration with what the stores gave. */
function check(env: object, stores: Stores, asked: Given, now: number): Config | Broken {
  const known = checked.get(env);
  const given = new Map([...(known?.given ?? []), ...asked]);
  const vars = fillIn(env, stores, given);
  const isSame = known && sameSecrets(vars, known.vars);
  const config = isSame ? known.config : readConfig(vars);
  const isBroken = "mistakes" in config;
  const right = isBroken ? known?.right : config;
  if (!isBroken && !isSame && known?.right) carryOverAll(config, known.right);
  const isFinal = stores.size === 0;
  const lasts = isFinal ? Number.POSITIVE_INFINITY : isBroken ? BROKEN_MS : STORED_MS;
  checked.set(env, { vars, config, right, at: now, lasts, given });
  return config;
}

/** What this isolate knows of a bucket. */
export function memoryOf(bucket: Bucket): BucketMemory {
  const known = memories.get(bucket) ?? createMemory(startState(bucket), advance, logNotice);
  memories.set(bucket, known);
  return known;
}

/** What this isolate knows of a role. */
export function roleMemoryOf(role: Role): RoleMemory {
  const known = roles.get(role) ?? createMemory({ role }, advanceRole, logNotice);
  roles.set(role, known);
  return known;
}

/** What this isolate knows of the cached entrypoint. */
export function loopbackOf(env: object): LoopbackState {
  return loopbacks.get(env) ?? {};
}

export function learnOfLoopback(env: object, event: LoopbackEvent): void {
  const { state, effects } = learnLoopback(loopbackOf(env), event);
  loopbacks.set(env, state);
  effects.forEach(logNotice);
}

/**
 * Counts a refusal, and logs how many lines were left out in the minute before.
 * @param now ms since 1970
 * @returns whether this refusal gets a log line of its own
 */
export function countRefusal(env: object, event: Refusal["event"], now: number): boolean {
  const counted = countLine(floods.get(env) ?? NO_FLOOD, event, now);
  floods.set(env, counted.flood);
  counted.notices.forEach(logNotice);
  return counted.isLogged;
}

/**
 * Counts a data point that could not be written.
 * @param now ms since 1970
 * @returns how many were lost since the log was told, if it is to be told now: once a minute. Else 0
 */
export function countLostPoint(env: object, now: number): number {
  const { times, isTold, next } = countRepeated(losses.get(env), now);
  losses.set(env, next);
  return isTold ? 0 : times;
}

/** What an isolate knows of requests to /purge. */
export function purgesOf(config: Config): Purges {
  return purges.get(config) ?? { batches: [], backlog: NO_BACKLOG };
}

export function learnPurges(config: Config, changed: Partial<Purges>): void {
  purges.set(config, { ...purgesOf(config), ...changed });
}

function carryOverAll(config: Config, before: Config): void {
  for (const bucket of config.buckets) {
    const old = before.buckets.find(({ name }) => name === bucket.name);
    if (!old) continue;
    carryOverRoles(bucket, before);
    const memory = memoryOf(old);
    memories.set(bucket, createMemory(carryOver(memory.state(), bucket), advance, logNotice));
    memory.learn({ type: "replaced" });
  }
}

function carryOverRoles({ role }: Bucket, before: Config): void {
  if (!role || roles.has(role)) return;
  const old = before.buckets.find((one) => one.role && isSameRole(one.role, role))?.role;
  if (!old) return;
  const state = carryOverRole(roleMemoryOf(old).state(), role);
  roles.set(role, createMemory(state, advanceRole, logNotice));
}
