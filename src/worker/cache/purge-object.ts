// Purges renditions from Workers Cache, wherever the code runs. Only the entrypoint `Renditions` can purge its cache
// (W10). The gateway has a context with a cache, too, but that is the cache of another entrypoint: to purge it would
// leave every old picture where it is, and report success.

import { lifetimesOf } from "../config/answers.ts";
import type { Bucket } from "../config/bucket.ts";
import type { Config } from "../config/config.ts";
import { logNotice } from "../log/log.ts";
import { type GatewayContext, NO_CACHE, type PurgeOptions, type PurgeResult } from "./loopback.ts";
import { objectTag, type RenditionId } from "./rendition-url.ts";

/** How Workers Cache is used, and what reaches it. */
type CacheScope = {
  readonly config: Pick<Config, "answers">;
  readonly context: GatewayContext;
};

/**
 * Returns whether Workers Cache may keep the answer of this run. Where the gateway renders by itself, and where the runtime
 * has no cache (W15), nothing keeps it.
 */
export function mayBeCached(
  id: Pick<RenditionId, "lifetimes">,
  { config, context }: CacheScope,
): boolean {
  const { keep } = lifetimesOf(id, config.answers);
  return keep > 0 && context.cache !== undefined;
}

/**
 * Purges from the cache of `Renditions`. Where nothing is cached, that is a success.
 * @throws as the runtime does, if the call itself fails
 */
export async function purgeCached(
  options: PurgeOptions,
  { exports, cache }: GatewayContext,
): Promise<PurgeResult> {
  // The runtime offers the entrypoint to the gateway. Where it offers none, this code runs in the entrypoint itself, or
  // nothing is cached (W15).
  const purger = exports?.Renditions ?? cache;
  if (!purger) return PURGED;

  // This calls `Renditions.purge` of index.ts, or the cache itself. `Renditions` answers NO_CACHE where it has none.
  const result = await purger.purge(options);
  if (result.success) return PURGED;

  // Without a cache, nothing is cached, either.
  const hasNoCache = result.errors.some(({ message }) => message === NO_CACHE.message);
  return hasNoCache ? PURGED : result;
}

const PURGED: PurgeResult = { success: true, errors: [] };

/**
 * Purges all renditions of an object, and all answers that may show it. A failure is logged.
 * @param key with the bucket's prefix
 */
export async function purgeObject(
  bucket: Bucket,
  key: string,
  context: GatewayContext,
): Promise<void> {
  const tag = await objectTag(bucket, key);
  const purging = purgeCached({ tags: [tag] }, context);
  const result = await purging.catch((error) => ({ success: false, errors: [error] }));
  if (result.success) return;

  const messages = result.errors.map(({ message }) => message);
  const name = `${bucket.name}/${key.slice(bucket.prefix.length)}`;
  const reason = `cache: ${messages.join("; ")}`;
  logNotice({ event: "purge-failed", reason, objects: 1, first: [name] });
}
