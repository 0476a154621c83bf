// What an isolate learns of buckets and roles while it runs. Each state changes by its pure function alone.

import { logNotice } from "../base/log.ts";
import type { Bucket, Role } from "../config/bucket.ts";
import { advance, type BucketEvent, type BucketState, startState } from "./bucket-state.ts";
import { advanceRole, type RoleEvent, type RoleState } from "./role-state.ts";

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

export type Memory<State, Event> = {
  /** The state as it is now. Ask again after each wait: other requests change it meanwhile. */
  readonly state: () => State;
  readonly learn: (event: Event) => void;
};

/** @param log writes a line of the log */
export function createMemory<State, Event, Effect>(
  start: State,
  advance: (
    state: State,
    event: Event,
  ) => { readonly state: State; readonly effects: readonly Effect[] },
  log: (effect: Effect) => void,
): Memory<State, Event> {
  let state = start;
  return {
    state: () => state,
    learn: (event) => {
      const next = advance(state, event);
      state = next.state;
      next.effects.forEach(log);
    },
  };
}
