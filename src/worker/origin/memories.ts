// What an isolate learns while it runs: of buckets, and of the AWS roles for which STS gives it session credentials.
// Each state changes by its own pure function alone. Nothing is shared with other isolates.

import type { Bucket, Role } from "../config/bucket.ts";
import { logNotice } from "../log/log.ts";
import type { Notice } from "../log/notice.ts";
import { memoize } from "../util/memoize.ts";
import { advance, type BucketEvent, type BucketState, startState } from "./bucket-state.ts";
import { advanceRole, type RoleEvent, type RoleState } from "./role-state.ts";

type Memory<State, Event> = {
  /** Returns the state as it is now. Call it again after each `await`: meanwhile, other requests may change the state. */
  readonly state: () => State;
  /** Changes the state as the event says, and logs what follows from it. */
  readonly learn: (event: Event) => void;
};

export type BucketMemory = Memory<BucketState, BucketEvent>;
export type RoleMemory = Memory<RoleState, RoleEvent>;

/** Returns the memory of a bucket. The first call makes it. It is gone when nothing holds the bucket any more. */
export const bucketMemoryOf = memoize((bucket: Bucket): BucketMemory => {
  return createMemory(startState(bucket), advance);
});

/** Returns the memory of a role, in the same way. */
export const roleMemoryOf = memoize((role: Role): RoleMemory => {
  const start: RoleState = { role }; // no session yet
  return createMemory(start, advanceRole);
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
