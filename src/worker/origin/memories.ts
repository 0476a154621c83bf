// What an isolate learns of buckets and roles while it runs. Each state changes by its pure function alone.

import { logNotice } from "../base/log.ts";
import type { Bucket, Role } from "../config/bucket.ts";
import type { Config } from "../config/config.ts";
import {
  advance,
  type BucketEvent,
  type BucketState,
  carryOver,
  startState,
} from "./bucket-state.ts";
import {
  advanceRole,
  carryOverRole,
  isSameRole,
  type RoleEvent,
  type RoleState,
} from "./role-state.ts";

export type BucketMemory = Memory<BucketState, BucketEvent>;
export type RoleMemory = Memory<RoleState, RoleEvent>;

const buckets = new WeakMap<Bucket, BucketMemory>();
const roles = new WeakMap<Role, RoleMemory>();

export function bucketMemoryOf(bucket: Bucket): BucketMemory {
  return getOrCreate(buckets, bucket, () => createMemory(startState(bucket), advance, logNotice));
}

export function roleMemoryOf(role: Role): RoleMemory {
  return getOrCreate(roles, role, () => createMemory({ role }, advanceRole, logNotice));
}

function getOrCreate<Key extends object, Value>(
  map: WeakMap<Key, Value>,
  key: Key,
  create: () => Value,
): Value {
  const value = map.get(key) ?? create();
  map.set(key, value);
  return value;
}

/** Takes over what is known, where a configuration was read again because a secret changed. */
export function carryOverMemories(config: Config, before: Config): void {
  for (const bucket of config.buckets) {
    const old = before.buckets.find(({ name }) => name === bucket.name);
    if (!old) continue;
    const state = carryOver(bucketMemoryOf(old).state(), bucket);
    buckets.set(bucket, createMemory(state, advance, logNotice));
    const { role } = bucket;
    const same = before.buckets.find((one) => role && one.role && isSameRole(one.role, role))?.role;
    if (!role || !same || roles.has(role)) continue;
    const known = carryOverRole(roleMemoryOf(same).state(), role);
    roles.set(role, createMemory(known, advanceRole, logNotice));
  }
}

export type Memory<State, Event> = {
  /** The state as it is now. Ask again after each wait: other requests change it meanwhile. */
  readonly state: () => State;
  readonly learn: (event: Event) => void;
};

/** @param tell writes a line of the log */
export function createMemory<State, Event, Effect>(
  start: State,
  advance: (
    state: State,
    event: Event,
  ) => { readonly state: State; readonly effects: readonly Effect[] },
  tell: (effect: Effect) => void,
): Memory<State, Event> {
  let state = start;
  return {
    state: () => state,
    learn: (event) => {
      const next = advance(state, event);
      state = next.state;
      next.effects.forEach(tell);
    },
  };
}
