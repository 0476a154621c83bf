// The types of an entrypoint of a Worker, as the cache sees it.

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

/** A request to an entrypoint, on its way through the tiers. */
export type Asked = {
  readonly key: string;
  /** The entrypoint's name in `ctx.exports`. */
  readonly name: string;
  readonly request: Request;
  /** The data centre of the visitor. */
  readonly place: string;
  /** Makes an instance of the entrypoint, with a context of its own. */
  readonly make: () => Entrypoint;
  /** Whether it waits for no other request, and none waits for it (W6). */
  readonly isAlone?: boolean;
  /** Whether the visitor has got an answer that is stale (W8). */
  readonly isBackground?: boolean;
  /** Whether what is kept is not for this request (W9). */
  readonly isBarred?: boolean;
};
