// Mistakes in [cache] and [exports]: Cloudflare's cache in front of the Worker's entrypoints (W1). Pure.

import type { Mistake } from "../../worker/base/refusal.ts";
import type { Warning } from "./config-fault.ts";

/** What the configuration says of that cache, in one environment. */
export type CacheSettings = {
  /** Whether there is a cache in front of an entrypoint that says nothing itself. */
  readonly enabled: boolean;
  /** Whether renditions stay after a deploy (W4). */
  readonly crossVersion: boolean;
  /** The entrypoints under [exports]. */
  readonly entrypoints: readonly Entrypoint[];
  /** Whether this environment has its own table of them. */
  readonly isOwn: boolean;
  /** The reason, if the Worker cannot call its own entrypoints (W15). */
  readonly unreachable: string | undefined;
};

type Entrypoint = {
  readonly name: string;
  readonly type: string;
  /** undefined: as `enabled` */
  readonly cached: boolean | undefined;
};

const GATEWAY = "default";
const KEPT = "Renditions";

const WHY_NOT =
  "a cache in front of it answers without asking the Worker, so an expired signed URL and an image for some pages only are shown to anybody";

/** What must not be deployed: a cache where visitors are checked, or an entrypoint that is not there. */
export function* cacheMistakes(settings: CacheSettings): Generator<Mistake> {
  for (const { name, type } of settings.entrypoints) {
    const path = `exports.${name}`;
    if (name === GATEWAY || name === KEPT) {
      if (type !== "worker") yield { path: `${path}.type`, message: 'is not "worker"' };
    } else if (type === "worker") {
      const message = `is no entrypoint of the Worker: it has ${GATEWAY} and ${KEPT}`;
      yield { path, message };
    }
  }
  const cached = entrypointOf(settings, GATEWAY)?.cached;
  if (!(cached ?? settings.enabled)) return;
  // W2
  const path = `exports.${GATEWAY}.cache.enabled`;
  const fix = `set it to false, and exports.${GATEWAY}.type to "worker"`;
  const own = "The exports of an environment replace all of the top level";
  const isLost = cached === undefined && settings.isOwn;
  const state = cached === undefined ? "is missing" : "is true";
  yield { path, message: `${state}: ${WHY_NOT}: ${fix}${isLost ? `. ${own}` : ""}` };
}

/**
 * What costs time and money, and harms nobody.
 * @param keep for how long renditions are to be kept, in s; 0: nothing needs the cache
 */
export function* cacheDoubts(settings: CacheSettings, keep: number): Generator<Warning> {
  if (keep === 0) return;
  const { enabled, crossVersion, unreachable } = settings;
  if (!enabled || entrypointOf(settings, KEPT)?.cached === false) {
    const what = `the cache for ${KEPT} is off: each data centre of Cloudflare makes every rendition anew, so more visitors wait, and S3 sends more`;
    const remedy =
      "write [cache] and [exports] as docs/cache.md shows, or keep = 0 in [vars.ANSWERS] if that is meant";
    return yield { what, remedy };
  }
  if (!crossVersion) {
    const what =
      "cache.cross_version_cache is not true: every deploy and every wrangler secret put empties the cache"; // W4
    yield { what, remedy: "set it to true" };
  }
  if (unreachable !== undefined) {
    const what = `${unreachable}: the Worker cannot reach Workers Cache, so nothing is kept`; // W15
    const remedy = 'use a later date, such as "2026-11-01", or keep = 0 in [vars.ANSWERS]';
    yield { what, remedy };
  }
}

function entrypointOf({ entrypoints }: CacheSettings, wanted: string): Entrypoint | undefined {
  return entrypoints.find(({ name, type }) => name === wanted && type === "worker");
}

/** What of wrangler's configuration is about that cache. */
type Configured = {
  readonly cache?: { readonly enabled: boolean; readonly cross_version_cache?: boolean };
  readonly exports: Readonly<
    Record<string, { readonly type: string; readonly cache?: { readonly enabled: boolean } }>
  >;
  readonly compatibility_date?: string | undefined;
  readonly compatibility_flags: readonly string[];
};

/** @param isOwn whether this environment has its own [exports] */
export function readCacheSettings(config: Configured, isOwn: boolean): CacheSettings {
  return {
    enabled: config.cache?.enabled === true,
    crossVersion: config.cache?.cross_version_cache === true,
    entrypoints: Object.entries(config.exports).map(([name, { type, cache }]) => {
      return { name, type, cached: cache?.enabled };
    }),
    isOwn,
    unreachable: unreachableBy(config),
  };
}

const FIRST_DATE = "2025-11-17"; // W15

/** wrangler itself asks for a date where there is none. */
function unreachableBy({ compatibility_date: date, compatibility_flags: flags }: Configured) {
  const isEarly = date !== undefined && date < FIRST_DATE;
  if (!isEarly || flags.includes("enable_ctx_exports")) return undefined;
  return `compatibility_date is ${date}, before ${FIRST_DATE}`;
}
