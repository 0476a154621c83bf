// What this isolate knows of a bucket.

import * as base from "../base/memory.ts";
import type { BucketNotice } from "../base/notice.ts";
import { advance, type BucketEvent } from "./advance.ts";
import type { BucketState } from "./bucket-state.ts";

export type Memory = base.Memory<BucketState, BucketEvent>;

/** @param tell writes a line of the log */
export function createMemory(start: BucketState, tell: (notice: BucketNotice) => void): Memory {
  return base.createMemory(start, advance, tell);
}
