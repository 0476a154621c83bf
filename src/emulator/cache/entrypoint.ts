// The types of an entrypoint of a Worker, as the cache sees it.

import type { PurgeOptions as OfWorker, PurgeResult } from "../../worker/cache/loopback.ts";

/** What `ctx.cache.purge` takes (W10). */
export type PurgeOptions = OfWorker & { readonly pathPrefixes?: string[] };

/** What `this.ctx` of an entrypoint has in one run. */
export type RunContext = {
  waitUntil(work: Promise<unknown>): void;
  readonly cache: { purge(options: PurgeOptions): Promise<PurgeResult> };
};

export type Entrypoint = {
  fetch(request: Request): Response | Promise<Response>;
  purge?(options: PurgeOptions): Promise<PurgeResult>;
};

/** Makes an instance of the entrypoint for one run. */
export type MakeEntrypoint = (context: RunContext) => Entrypoint;

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
