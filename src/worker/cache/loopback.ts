// The cached entrypoint, as the gateway calls it, and whether it can be used (W13, W15).

import type { Context } from "../http/send.ts";
import { logNotice } from "../log/log.ts";
import { isWithin } from "../util/time.ts";

/** What to drop from the cache of an entrypoint (W10). */
export type PurgeOptions = { readonly tags?: string[]; readonly purgeEverything?: boolean };

export type PurgeResult = {
  readonly success: boolean;
  readonly errors: readonly { readonly code: number; readonly message: string }[];
};

/** The error of a purge where nothing is cached (W15). No error of Cloudflare has this message. */
export const NO_CACHE = {
  code: 0,
  message: "there is no Workers Cache: see [cache] in wrangler.toml",
} as const;

/** The entrypoint `Renditions`, with Cloudflare's cache in front of its `fetch` (W1). */
export type Loopback = {
  fetch(request: Request | string, init?: RequestInit): Promise<Response>;
  /** Drops renditions everywhere, within seconds (W10). Never cached itself (W1). */
  purge(options: PurgeOptions): Promise<PurgeResult>;
};

/** The context of a request to the gateway. */
export type GatewayContext = Context & {
  /** Absent before the compatibility date 2025-11-17 (W15). */
  readonly exports?: { readonly Renditions?: Loopback };
};

/** For how long the gateway makes all renditions itself: ms. */
const UNUSABLE_MS = 600_000;

/** When the cached entrypoint was found to be unusable: ms since 1970. */
const unusableAt = new WeakMap<object, number>();

export function isUsable(env: object, now: number): boolean {
  return !isWithin(UNUSABLE_MS, unusableAt.get(env), now);
}

/** The gateway made a rendition where the cached entrypoint could not. The log has it once. */
export function reportUnusable(env: object, failure: string, now: number): void {
  const reason = `${failure}: each place makes its own renditions for ten minutes`;
  if (isUsable(env, now)) logNotice({ event: "cache-unusable", reason });
  unusableAt.set(env, now);
}
