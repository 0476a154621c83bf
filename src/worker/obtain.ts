// Gets a rendition for the gateway: from the cached entrypoint, or made here where that cannot be used.

import { fetchCached, type Obtained } from "./cache/fetch-cached.ts";
import { type GatewayContext, isUsable, reportUnusable } from "./cache/loopback.ts";
import type { RenditionKeys } from "./cache/rendition-url.ts";
import type { Config } from "./config/config.ts";
import type { CacheState } from "./log/log.ts";
import { type NotModified, render } from "./renditions.ts";

/** One visitor's request, as the gateway knows it. */
export type GatewayScope = {
  readonly env: object;
  readonly config: Config;
  readonly context: GatewayContext;
  /** Until when the visitor waits: ms since 1970. */
  readonly deadline: number;
  /** The visitor's `If-None-Match`. */
  readonly condition: string | null;
};

type Result = Obtained["result"] | NotModified;

/**
 * Where the cached entrypoint fails in a way that may be its own (W13), the gateway makes the rendition
 * itself. If that works, it does so for a while, and the log has it once.
 */
export async function obtain(
  keys: RenditionKeys,
  scope: GatewayScope,
): Promise<Omit<Obtained, "result"> & { readonly result: Result }> {
  const { env, config, context } = scope;
  if (config.answers.keep === 0 || !isUsable(env, Date.now())) return obtainDirectly(keys, scope);
  const loopback = context.exports?.Renditions;
  if (!loopback) {
    const failure = "ctx.exports is missing (compatibility_date is before 2025-11-17)";
    reportUnusable(env, failure, Date.now());
    return obtainDirectly(keys, scope);
  }
  const cached = await fetchCached(loopback, keys, scope);
  const { loopbackFailure } = cached;
  if (!loopbackFailure) return cached;
  const direct = await obtainDirectly(keys, scope);
  const isMade = direct.cache === "direct" && "body" in direct.result;
  if (isMade) reportUnusable(env, loopbackFailure, Date.now());
  return direct;
}

/** Without Workers Cache, the gateway renders, or has the store's. */
async function obtainDirectly(
  keys: RenditionKeys,
  scope: GatewayScope,
): Promise<{ readonly result: Result; readonly cache: CacheState }> {
  const result = await render(keys, scope);
  return { result, cache: "stored" in result ? "stored" : "direct" };
}
