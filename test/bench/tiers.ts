// A model of Workers Cache in front of Renditions (W8, W18): a cache in each place, and an upper tier that all of
// them ask. It has no responses, only the versions of the objects. tiers.test.ts compares it with the strict cache.

import { getOrAdd } from "./model.ts";

export type CacheRules = {
  /** How long a rendition is fresh, in seconds. */
  readonly keep: number;
  /** How long after that it is shown while S3 is asked, in seconds. */
  readonly stale: number;
  /** How long after that it is shown where S3 or the edge fails, in seconds. */
  readonly staleIfError: number;
  /** A tier evicts what nobody asked it for in so many seconds. Left out: it evicts nothing. */
  readonly evictAfter?: number | undefined;
};

/** What Renditions answers. */
export type Rendition = {
  /** The version of the object. */
  readonly version: number;
  /** How long it is fresh, in seconds. */
  readonly keep: number;
  /** Whether it has an ETag, so that the cache can ask whether it changed (W18). */
  readonly hasEtag: boolean;
};

/**
 * Runs Renditions.
 * @param waits whether a visitor waits for it; false: in the background
 * @param cached the version for which the cache sends `If-None-Match` (W18); undefined: it sends none
 * @returns undefined: it failed
 */
export type Run = (waits: boolean, cached: number | undefined) => Rendition | undefined;

/** What a visitor gets. */
export type Answer = {
  /** The version that the visitor sees; undefined: no image. */
  readonly version: number | undefined;
  /** `waited`: until Renditions had asked S3. `stale`: at once, and the check goes on behind. */
  readonly how: "fresh" | "stale" | "waited";
};

export type Tiers = {
  /**
   * @param rendition the options and the format
   * @param place the data centre of the visitor
   * @param at ms since 1970, never less than before
   */
  ask(object: number, rendition: string, place: number, at: number, run: Run): Answer;
  /** Drops all renditions of an object in all tiers (W10). */
  purge(object: number): void;
  /** What they keep, for `createTiers`. */
  readonly kept: Kept;
};

/** Times in ms since 1970. */
type Checked = Rendition & { readonly checkedAt: number };
type Tier = Map<number, Checked & { usedAt: number }>;

/** More renditions than any object has. */
const RENDITIONS = 2 ** 10;

/** Plain data, which can be copied. */
type Kept = ReturnType<typeof nothingKept>;

function nothingKept() {
  return {
    upper: new Map() as Tier,
    lower: new Map<number, Tier>(),
    objects: new Map<number, number>(),
    renditions: new Map<string, number>(),
    nextNumber: 0,
  };
}

/** @param kept left out: they are empty */
export function createTiers(rules: CacheRules, kept: Kept = nothingKept()): Tiers {
  const { stale, staleIfError, evictAfter = Number.POSITIVE_INFINITY } = rules;
  const { upper, lower, objects, renditions } = kept;

  return {
    kept,
    ask(object, rendition, place, at, run) {
      const number = getOrAdd(objects, object, () => kept.nextNumber++);
      const key = number * RENDITIONS + getOrAdd(renditions, rendition, () => renditions.size);
      let how: Answer["how"] = "fresh";

      /** @param waits false: it is a check in the background, so what is stale is no answer */
      function askTier(tier: Tier, waits: boolean): Checked | undefined {
        const entry = tier.get(key);
        const old = entry && at - entry.usedAt < evictAfter * 1000 ? entry : undefined;
        if (old !== undefined) old.usedAt = at;
        const seconds = old === undefined ? Number.POSITIVE_INFINITY : secondsStale(old, at);
        if (seconds < 0) return old;
        const isServed = waits && seconds < stale;
        if (isServed) how = "stale";
        const stillWaits = waits && !isServed;
        const checked =
          tier === upper
            ? runRenditions(stillWaits, old?.hasEtag ? old.version : undefined)
            : askTier(upper, stillWaits);
        if (checked !== undefined) {
          const { version, keep, hasEtag, checkedAt } = checked; // a spread is slower
          tier.set(key, { version, keep, hasEtag, checkedAt, usedAt: at });
        }
        if (isServed) return old;
        return checked ?? (seconds < staleIfError ? old : undefined);
      }

      function runRenditions(waits: boolean, cached: number | undefined): Checked | undefined {
        if (waits) how = "waited";
        const rendition = run(waits, cached);
        if (rendition === undefined) return undefined;
        const { version, keep, hasEtag } = rendition;
        return { version, keep, hasEtag, checkedAt: at };
      }

      const tier = getOrAdd(lower, place, () => new Map());
      const shown = askTier(tier, true);
      return { version: shown?.version, how };
    },
    // Its next number is new: nothing is found under the old one.
    purge: (object) => void objects.delete(object),
  };
}

/** How long ago a rendition was last fresh, in seconds. Below 0: it is. */
function secondsStale({ checkedAt, keep }: Checked, at: number): number {
  return (at - checkedAt) / 1000 - keep;
}
