// An entrypoint of a Worker, as the cache sees it, and where its code runs: in which data centre, and whether the
// cache called it. That follows the code through `await`.

import { AsyncLocalStorage } from "node:async_hooks";

/**
 * What `ctx.cache.purge` takes (W10).
 * @example
 * const options: PurgeOptions = { tags: ["news"] };
 */
export type PurgeOptions = {
  readonly tags?: string[];
  /** Paths of URLs. */
  readonly pathPrefixes?: string[];
  readonly purgeEverything?: boolean;
};

/**
 * What a purge tells.
 * @example
 * const result: PurgeResult = { success: false, errors: [{ code: 10_429, message: "Too many purges." }] };
 */
export type PurgeResult = {
  readonly success: boolean;
  readonly errors: readonly { readonly code: number; readonly message: string }[];
};

/**
 * What `this.ctx` of an entrypoint has in one run.
 * @example
 * const make = (context: RunContext) => new Pages(context, env);
 */
export type RunContext = {
  waitUntil(work: Promise<unknown>): void;
  readonly cache: { purge(options: PurgeOptions): Promise<PurgeResult> };
};

/**
 * An instance of an entrypoint, as the cache uses it.
 * @example
 * const entrypoint: Entrypoint = { fetch: (request) => new Response(`This is ${request.url}`) };
 */
export type Entrypoint = {
  fetch(request: Request): Response | Promise<Response>;
  purge?(options: PurgeOptions): Promise<PurgeResult>;
};

/**
 * Makes an instance of the entrypoint for one run. It may ask for the runtime's type of a context. Of
 * that the instance gets what `RunContext` has.
 * @example
 * const make: MakeEntrypoint<ExecutionContext> = (context) => new Renditions(context, env);
 */
export type MakeEntrypoint<Context = RunContext> = (context: Context) => Entrypoint;

/**
 * An entrypoint with the cache in front of its `fetch` (W1): an entry of `ctx.exports`.
 * @example
 * const answer = await loopback.fetch(new Request("https://pages.example/a"));
 */
export type Loopback = {
  fetch(request: Request): Promise<Response>;
  /** Calls the method `purge` of the entrypoint. It is never cached itself (W1). */
  purge(options: PurgeOptions): Promise<PurgeResult>;
};

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
