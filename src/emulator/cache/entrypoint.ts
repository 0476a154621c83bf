// An entrypoint of a Worker, as the cache sees it, and where its code runs: in which data centre, and whether the
// cache called it. AsyncLocalStorage has both after each `await`, too.

import { AsyncLocalStorage } from "node:async_hooks";

/** What `ctx.cache.purge` takes: tags, and how paths of URLs begin (W10). */
export type PurgeOptions = {
  readonly tags?: string[];
  readonly pathPrefixes?: string[];
  readonly purgeEverything?: boolean;
};

export type PurgeResult = {
  readonly success: boolean;
  readonly errors: readonly { readonly code: number; readonly message: string }[];
};

/**
 * What `this.ctx` of an entrypoint has in one run.
 * @example
 * const create = (context: RunContext) => new Pages(context, env);
 */
export type RunContext = {
  waitUntil(work: Promise<unknown>): void;
  readonly cache: { purge(options: PurgeOptions): Promise<PurgeResult> };
};

/** An instance of an entrypoint, as the cache uses it. */
export type Entrypoint = {
  fetch(request: Request): Response | Promise<Response>;
  purge?(options: PurgeOptions): Promise<PurgeResult>;
};

/** An entrypoint with the cache in front of its `fetch` (W1): an entry of `ctx.exports`. */
export type CachedEntrypoint = {
  fetch(request: Request | string, init?: RequestInit): Promise<Response>;
  /** Calls the method `purge` of the entrypoint. It is never cached itself (W1). */
  purge(options: PurgeOptions): Promise<PurgeResult>;
};

export type RunLocation = {
  /** Whether a loopback called the running code (W13). */
  readonly isBehindCache: boolean;
  /** Whether it runs in the background: nobody waits for its response (W8). */
  readonly isBackground: boolean;
  /** A data centre, or "upper": that of the upper tier (W5). */
  readonly dataCenter: string;
};

/** Where a visitor is if the test does not say. */
const DEFAULT_LOCATION: RunLocation = {
  isBehindCache: false,
  isBackground: false,
  dataCenter: "here",
};

const running = new AsyncLocalStorage<RunLocation>();

export function currentLocation(): RunLocation {
  return running.getStore() ?? DEFAULT_LOCATION;
}

export function runAt<Value>(location: RunLocation, work: () => Value): Value {
  return running.run(location, work);
}
