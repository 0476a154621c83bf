// What is unknown of Workers Cache, or is set in wrangler.toml. A test may set each switch at any time:
// `cache.switches.runsIn = "upper"`.

import { call, count, flag, oneOf, optional, type RulesOf } from "../check.ts";

/**
 * The switches of the cache.
 * @example
 * const switches: Partial<CacheSwitches> = { enabled: false };
 */
export type CacheSwitches = {
  /** W5, open: where the entrypoint runs after a miss in both tiers. */
  runsIn: "upper" | "visitor";
  /** W13, open: whether the edge transforms behind a loopback. The edge asks `where()`. */
  loopback: "transformed" | "forgotten";
  /** W18. False: it asks for a whole response also where what it has has an ETag. */
  revalidates: boolean;
  /** W1, W2. Whether the entrypoint has a cache: `[cache] enabled`, or its own in `[exports.NAME]`. */
  enabled: boolean;
  /** W4. `[cache] cross_version_cache`: the key then lacks the version. */
  crossVersion: boolean;
  /** W16. The largest response that is kept: bytes. */
  largest: number;
};

/**
 * What wrangler.toml of this project asks for. `runsIn` is the reading that costs more. `loopback` is
 * what workerd does: with `forgotten` the cache is soon left alone, and no test would meet it.
 */
export const STRICT = {
  runsIn: "visitor",
  loopback: "transformed",
  revalidates: true,
  enabled: true,
  crossVersion: true,
  largest: 512 * 1024 ** 2,
} as const satisfies CacheSwitches;

/** What each switch may be. */
export const SWITCH_RULES = {
  runsIn: oneOf("upper", "visitor"),
  loopback: oneOf("transformed", "forgotten"),
  revalidates: flag,
  enabled: flag,
  crossVersion: flag,
  largest: count,
} satisfies RulesOf<CacheSwitches>;

export const SETTING_RULES = { now: optional(call<() => number>()) };
