// What is unknown of Workers Cache, or is set in wrangler.toml: a row each, with what it may be and its strict value. A
// test may set each at any time: `cache.switches.runsIn = "upper"`.

import { flag, oneOf, type SwitchValues, strictValues, switchOf } from "../check.ts";

/** The strict values are what wrangler.toml of this project asks for, and of what is open the one that costs more. */
export const SWITCHES = {
  /** W1, W2. Whether the entrypoint has a cache: `[cache] enabled`, or its own in `[exports.NAME]`. */
  enabled: switchOf(flag, true),
  /** W4. `[cache] cross_version_cache`: the key then lacks the version. */
  crossVersion: switchOf(flag, true),
  /** W5, open: where the entrypoint runs after a miss in both tiers. */
  runsIn: switchOf(oneOf("upper", "visitor"), "visitor"),
  /**
   * W13, open: whether the edge transforms behind a loopback. The edge asks `where()`. In workerd it does. With
   * `forgotten` the cache is soon left alone, and no test would meet it.
   */
  loopback: switchOf(oneOf("transformed", "forgotten"), "transformed"),
};

/**
 * The switches of the cache.
 * @example
 * const switches: Partial<CacheSwitches> = { enabled: false };
 */
export type CacheSwitches = SwitchValues<typeof SWITCHES>;

/** The strict values. */
export const STRICT = strictValues(SWITCHES);
