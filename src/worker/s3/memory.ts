// The one place that changes: what this isolate knows of a bucket.

import type { BucketNotice } from "../base/notice.ts";
import { advance, type BucketEvent } from "./advance.ts";
import type { BucketState } from "./bucket-state.ts";

export type Memory = {
  /** The state as it is now. Ask again after each wait: other requests change it meanwhile. */
  readonly state: () => BucketState;
  readonly learn: (event: BucketEvent) => void;
};

/** @param tell writes a line of the log */
export function createMemory(start: BucketState, tell: (notice: BucketNotice) => void): Memory {
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
