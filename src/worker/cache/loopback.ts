// What the gateway calls to reach the cached entrypoint, in the same Worker.

import type { Context } from "../origin/probe.ts";

/** What to drop from the cache of an entrypoint (W10). */
export type PurgeOptions = { readonly tags?: string[]; readonly purgeEverything?: boolean };

export type PurgeResult = {
  readonly success: boolean;
  readonly errors: readonly { readonly code: number; readonly message: string }[];
};

/** The error of a purge where nothing is kept (W15). No error of Cloudflare has this message. */
export const NO_CACHE = {
  code: 0,
  message: "there is no Workers Cache: see [cache] in wrangler.toml",
} as const;

/** The entrypoint `Renditions`, with Cloudflare's cache in front of its `fetch` (W1). */
export type Loopback = {
  fetch(request: Request): Promise<Response>;
  /** Drops renditions everywhere, within seconds (W10). Never cached itself (W1). */
  purge(options: PurgeOptions): Promise<PurgeResult>;
};

/** The context of a request to the gateway. */
export type GatewayContext = Context & {
  /** Absent before the compatibility date 2025-11-17 (W15). */
  readonly exports?: { readonly Renditions?: Loopback };
};
