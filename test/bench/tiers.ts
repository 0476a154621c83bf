// A model of Workers Cache in front of Renditions (W5, W8, W18): a cache in each place, and an upper tier that all of
// them ask. It has no responses, only the versions of the objects. tiers.test.ts compares it with the strict cache.

import { getOrAdd } from "./model.ts";

export type CacheRules = {
  /** How long a rendition is fresh, in seconds. */
  readonly keep: number;
  /** How long after that it is shown while S3 is asked, in seconds. */
  readonly stale: number;
  /** How long after that it is shown where S3 or the edge fails, in seconds. */
  readonly staleIfError: number;
  /** Where Renditions runs, and so which place of the edge it asks (W5, open). */
  readonly runsIn: "upper" | "visitor";
  /** A tier evicts what nobody asked it for in so many seconds. Left out: it evicts nothing. */
  readonly evictAfter?: number | undefined;
};

/**
 * Runs Renditions.
 * @param place the data centre in which it runs
 * @param waits whether a visitor waits for it; false: in the background
 * @param cached the version for which the cache sends `If-None-Match` (W18); undefined: it has none
 * @returns the version that the object has now; undefined: it failed
 */
export type Run = (place: number, waits: boolean, cached: number | undefined) => number | undefined;

/** What a visitor gets. */
export type Answer = {
  /** The version that the visitor sees; undefined: no image. */
  readonly version: number | undefined;
  /** `waited`: until Renditions had asked S3. `stale`: at once, and the check goes on behind. */
  readonly how: "fresh" | "stale" | "waited";
};

type Tiers = {
  /**
   * @param rendition the options and the format
   * @param place the data centre of the visitor
   * @param at ms since 1970, never less than before
   */
  ask(object: number, rendition: string, place: number, at: number, run: Run): Answer;
  /** Drops all renditions of an object in all tiers (W10). */
  purge(object: number): void;
};

/** The data centre of the upper tier. */
export const UPPER = -1;

/** Times in ms since 1970. */
type Checked = { readonly version: number; readonly checkedAt: number };
type Tier = Map<number, Checked & { usedAt: number }>;

/** More renditions than any object has. */
const RENDITIONS = 2 ** 10;

/** Creates empty tiers. */
export function createTiers(rules: CacheRules): Tiers {
  const { keep, stale, staleIfError, runsIn, evictAfter = Number.POSITIVE_INFINITY } = rules;
  const upper: Tier = new Map();
  const lower = new Map<number, Tier>();
  const objects = new Map<number, number>();
  const renditions = new Map<string, number>();
  let nextNumber = 0;

  return {
    ask(object, rendition, place, at, run) {
      const number = getOrAdd(objects, object, () => nextNumber++);
      const key = number * RENDITIONS + getOrAdd(renditions, rendition, () => renditions.size);
      let how: Answer["how"] = "fresh";

      /** @param waits false: it is a check in the background, so what is stale is no answer */
      function askTier(tier: Tier, waits: boolean): Checked | undefined {
        const entry = tier.get(key);
        const old = entry && at - entry.usedAt < evictAfter * 1000 ? entry : undefined;
        if (old !== undefined) old.usedAt = at;
        const age = old === undefined ? Number.POSITIVE_INFINITY : (at - old.checkedAt) / 1000;
        if (age < keep) return old;
        const isServed = waits && age < keep + stale;
        if (isServed) how = "stale";
        const stillWaits = waits && !isServed;
        const checked =
          tier === upper ? runRenditions(stillWaits, old?.version) : askTier(upper, stillWaits);
        if (checked !== undefined) tier.set(key, { ...checked, usedAt: at });
        if (isServed) return old;
        return checked ?? (age < keep + staleIfError ? old : undefined);
      }

      function runRenditions(waits: boolean, cached: number | undefined): Checked | undefined {
        if (waits) how = "waited";
        const version = run(runsIn === "upper" ? UPPER : place, waits, cached);
        return version === undefined ? undefined : { version, checkedAt: at };
      }

      const tier = getOrAdd(lower, place, () => new Map());
      const shown = askTier(tier, true);
      return { version: shown?.version, how };
    },
    // Its next number is new: nothing is found under the old one.
    purge: (object) => void objects.delete(object),
  };
}
