// What an isolate learns while it runs: of buckets, and of the AWS roles for which STS gives it session credentials.
// Each state changes by its own pure function alone. Nothing is shared with other isolates.

import type { Bucket, Role } from "../config/bucket.ts";
import { logNotice } from "../log/log.ts";
import { memoize } from "../util/memoize.ts";
import { createMemory, type Memory } from "../util/memory.ts";
import { advance, type BucketEvent, type BucketState, startState } from "./bucket-state.ts";
import { advanceRole, type RoleEvent, type RoleState } from "./role-state.ts";

export type BucketMemory = Memory<BucketState, BucketEvent>;
export type RoleMemory = Memory<RoleState, RoleEvent>;

/** Returns the memory of a bucket. The first call makes it. It is gone when nothing holds the bucket any more. */
export const bucketMemoryOf = memoize((bucket: Bucket): BucketMemory => {
  return createMemory(startState(bucket), advance, logNotice);
});

/** Returns the memory of a role, in the same way. */
export const roleMemoryOf = memoize((role: Role): RoleMemory => {
  const start: RoleState = { role }; // no session yet
  return createMemory(start, advanceRole, logNotice);
});
