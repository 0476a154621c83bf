// In which data centre the running code is, and whether the cache called it. Follows the code through `await`.

import { AsyncLocalStorage } from "node:async_hooks";

/**
 * Where the running code is.
 * @example
 * const { place }: Where = cache.where();
 */
export type Where = {
  /** Whether a loopback called the running code (W13). */
  readonly behind: boolean;
  /** A data centre, or "upper": that of the upper tier (W5). */
  readonly place: string;
};

/** Where a visitor is if the test does not say. */
const NOWHERE: Where = { behind: false, place: "here" };

const running = new AsyncLocalStorage<Where>();

export function where(): Where {
  return running.getStore() ?? NOWHERE;
}

export function runAt<Value>(at: Where, work: () => Value): Value {
  return running.run(at, work);
}
