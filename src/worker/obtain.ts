// Gets a rendition for the gateway: from the cached entrypoint, or made here where that cannot be used.

import type { CacheState } from "./base/log.ts";
import { isRefusal } from "./base/refusal.ts";
import { fetchCached, type Obtained } from "./cache/fetch-cached.ts";
import {
  type GatewayContext,
  isUsable,
  mayTryDirectly,
  rememberFailure,
  reportUnusable,
} from "./cache/loopback.ts";
import type { RenditionKey } from "./cache/rendition-url.ts";
import { type NotModified, render } from "./renditions.ts";

/** One visitor's request, as the gateway knows it. */
export type GatewayScope = {
  readonly env: object;
  readonly context: GatewayContext;
  /** Until when the visitor waits: ms since 1970. */
  readonly deadline: number;
  /** For how long Workers Cache shows renditions without a question to S3: s. 0: there is no cache. */
  readonly keep: number;
  /** The visitor's `If-None-Match`. */
  readonly condition: string | null;
  /** Whether the route's fallback is asked for, and not by the visitor. */
  readonly isFallback?: boolean;
};

type Result = Obtained["result"] | NotModified;

/**
 * Where the cached entrypoint fails in a way that may be its own (W13), the gateway makes the rendition
 * itself. If that works, it does so for a while, and the log has it once.
 */
export async function obtain(
  key: RenditionKey,
  scope: GatewayScope,
): Promise<Omit<Obtained, "result"> & { readonly result: Result }> {
  const { env, context, keep } = scope;
  const cache: CacheState = "direct";
  if (keep === 0 || !isUsable(env, Date.now())) return { result: await render(key, scope), cache };
  const loopback = context.exports?.Renditions;
  if (!loopback) {
    const failure = "ctx.exports is missing (compatibility_date is before 2025-11-17)";
    reportUnusable(env, failure, Date.now());
    return { result: await render(key, scope), cache };
  }
  const { loopbackFailure, ...cached } = await fetchCached(loopback, key, scope);
  if (!loopbackFailure || !mayTryDirectly(env, Date.now())) return cached;
  const result = await render(key, scope);
  const failure = failureOf(result);
  // Another reason, such as an object that is no image, says nothing of the cached entrypoint: else one
  // such object would keep all others from a direct try.
  if (!failure) reportUnusable(env, loopbackFailure, Date.now());
  else if (failure === failureOf(cached.result)) rememberFailure(env, Date.now());
  return { result, cache };
}

/** Why there is no image, by its event and the edge's code. */
function failureOf(result: Result): string | undefined {
  if (!isRefusal(result)) return undefined;
  return `${result.event} ${("edge" in result && result.edge) || ""}`;
}
