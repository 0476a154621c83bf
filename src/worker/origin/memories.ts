// What an isolate learns of buckets and roles while it runs. Each state changes by its pure function alone.

import type { Bucket, Role } from "../config/bucket.ts";
import { logNotice } from "../log/log.ts";
import { memoize } from "../util/memoize.ts";
import { advance, type BucketEvent, type BucketState, startState } from "./bucket-state.ts";
import { advanceRole, type RoleEvent, type RoleState } from "./role-state.ts";

export type BucketMemory = Memory<BucketState, BucketEvent>;
export type RoleMemory = Memory<RoleState, RoleEvent>;

export const bucketMemoryOf = memoize((bucket: Bucket): BucketMemory => {
  return createMemory(startState(bucket), advance, logNotice);
});

export const roleMemoryOf = memoize((role: Role): RoleMemory => {
  return createMemory({ role }, advanceRole, logNotice);
});

type Memory<State, Event> = {
  /** The state as it is now. Ask again after each wait: other requests change it meanwhile. */
  readonly state: () => State;
  readonly learn: (event: Event) => void;
};

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
