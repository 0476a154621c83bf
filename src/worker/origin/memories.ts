// What an isolate learns while it runs: of buckets, and of the AWS roles for which STS gives it session credentials.
// Each state changes by its own pure function alone. Nothing is shared with other isolates.

import type { Bucket, Role } from "../config/bucket.ts";
import { logNotice } from "../log/log.ts";
import type { Notice } from "../log/notice.ts";
import { memoize } from "../util/memoize.ts";
import { advance, type BucketEvent, type BucketState, startState } from "./bucket-state.ts";
import { advanceRole, type RoleEvent, type RoleState } from "./role-state.ts";

type Memory<State, Event> = {
  /** The state as it is now. Ask again after each wait: other requests change it meanwhile. */
  readonly state: () => State;
  /** Changes the state as the event says, and logs what follows from it. */
  readonly learn: (event: Event) => void;
};

export type BucketMemory = Memory<BucketState, BucketEvent>;
export type RoleMemory = Memory<RoleState, RoleEvent>;

/** The memory of a bucket: each bucket has one as long as its configuration lives. */
export const bucketMemoryOf = memoize((bucket: Bucket): BucketMemory => {
  return createMemory(startState(bucket), advance);
});

/** The memory of a role: each role has one as long as its configuration lives. */
export const roleMemoryOf = memoize((role: Role): RoleMemory => {
  return createMemory({ role }, advanceRole);
});

/** What follows from an event: the next state, and lines for the log. */
type Advanced<State> = { readonly state: State; readonly effects: readonly Notice[] };

/** @param advanceState returns what follows from an event */
export function createMemory<State, Event>(
  start: State,
  advanceState: (state: State, event: Event) => Advanced<State>,
  log: (notice: Notice) => void = logNotice,
): Memory<State, Event> {
  let state = start;

  function learn(event: Event): void {
    const next = advanceState(state, event);
    state = next.state;

    for (const notice of next.effects) log(notice);
  }

  return { state: () => state, learn };
}
