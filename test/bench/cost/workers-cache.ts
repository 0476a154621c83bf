// A model of Workers Cache in front of Renditions: a tier in each data centre, and an upper tier that all of them ask (W5,
// W8, W18 of docs/rules.md). It has no answers, only the versions of objects, so that it is fast enough for millions of
// views. In typed arrays, since objects for as many entries would take gigabytes.

import { DATA_CENTERS, elementAt } from "./site.ts";

/** All in seconds. */
export type CacheRules = {
  /** For how long a rendition is fresh. */
  readonly keep: number;
  /** For how long after that it is shown while S3 is asked, or while S3 fails. */
  readonly stale: number;
  /** A tier evicts what nobody has asked it for in this time. */
  readonly evictUnusedAfter: number;
  /** All tiers evict an entry at this age, however often it is asked for. Its age is that of its bytes: a 304 renews none. */
  readonly evictAllAfter: number;
};

/** What Workers Cache evicts is not known. This is the best of it: nothing. */
export const EVICTS_NOTHING = {
  evictUnusedAfter: Number.POSITIVE_INFINITY,
  evictAllAfter: Number.POSITIVE_INFINITY,
} as const satisfies Partial<CacheRules>;

/**
 * The entries of one tier, by their keys. Each has FIELDS numbers, one behind the other: most of a view's time goes into
 * fetching an entry from memory, which is then done once.
 */
type Tier = Uint32Array;

const FIELDS = 4;

/** When S3 confirmed the entry last, in seconds. 0: there is none. */
const CHECKED_AT = 0;
const USED_AT = 1;
/** When its bytes came, into the upper tier. */
const CACHED_AT = 2;
const VERSION = 3;

export type WorkersCache = {
  readonly rules: CacheRules;
  readonly dataCenters: readonly Tier[];
  readonly upper: Tier;
};

/** @param keys how many keys there are */
export function createWorkersCache(rules: CacheRules, keys: number): WorkersCache {
  const createTier = (): Tier => new Uint32Array(keys * FIELDS);
  const dataCenters = Array.from({ length: DATA_CENTERS }, createTier);
  return { rules, dataCenters, upper: createTier() };
}

/** What a view finds. A `version` is that of the object which the picture shows. */
export type Lookup =
  /** It is fresh, or another data centre has just had it checked. */
  | { readonly kind: "shown"; readonly isFresh: boolean; readonly version: number }
  /**
   * It is shown, and Renditions runs behind it. The data centre gets the new one, unless the old one came from the upper
   * tier.
   */
  | {
      readonly kind: "shown-and-checked";
      readonly version: number;
      readonly condition: number;
      readonly isFromUpper: boolean;
    }
  /** The visitor waits for Renditions. `condition`: the version of an older entry, which S3 may confirm (W18). */
  | { readonly kind: "missed"; readonly condition: number | undefined };

/** @param now in seconds, more than 0 */
export function lookUp(cache: WorkersCache, dataCenter: number, key: number, now: number): Lookup {
  const { rules, upper } = cache;
  const tier = elementAt(cache.dataCenters, dataCenter);

  const state = stateOf(tier, key, now, rules);
  if (state === "fresh") return { kind: "shown", isFresh: true, version: versionIn(tier, key) };

  const upperState = stateOf(upper, key, now, rules);
  const condition = upperState === "none" ? undefined : versionIn(upper, key);

  // A stale entry is shown. Behind it, the upper tier is asked, which may have a fresh one.
  if (state === "stale") {
    const version = versionIn(tier, key);
    if (upperState === "fresh") {
      copyEntry(upper, tier, key);
      return { kind: "shown", isFresh: false, version };
    }
    const revalidated = condition ?? version;
    return { kind: "shown-and-checked", version, condition: revalidated, isFromUpper: false };
  }

  // The upper tier has the only entry.
  if (condition !== undefined && upperState !== "old") {
    copyEntry(upper, tier, key);
    if (upperState === "fresh") return { kind: "shown", isFresh: true, version: condition };
    return { kind: "shown-and-checked", version: condition, condition, isFromUpper: true };
  }

  return { kind: "missed", condition };
}

/**
 * Keeps the rendition that Renditions has answered with, in the upper tier and in that of a data centre.
 * @param dataCenter undefined: in the upper tier alone
 */
export function keepVersion(
  cache: WorkersCache,
  dataCenter: number | undefined,
  key: number,
  version: number,
  now: number,
): void {
  cache.upper[key * FIELDS + CACHED_AT] = now;
  renewVersion(cache, dataCenter, key, version, now);
}

/** The same, where Renditions has answered 304: the bytes are those of before. */
export function renewVersion(
  { dataCenters, upper }: WorkersCache,
  dataCenter: number | undefined,
  key: number,
  version: number,
  now: number,
): void {
  const start = key * FIELDS;
  upper[start + VERSION] = version;
  upper[start + CHECKED_AT] = now;
  upper[start + USED_AT] = now;
  if (dataCenter === undefined) return;
  copyEntry(upper, elementAt(dataCenters, dataCenter), key);
}

/** Drops entries everywhere (W10). */
export function purgeKeys({ dataCenters, upper }: WorkersCache, from: number, to: number): void {
  for (const tier of [...dataCenters, upper]) {
    for (let key = from; key < to; key++) tier[key * FIELDS + CHECKED_AT] = 0;
  }
}

/** "old": it is not shown any more, but S3 may confirm it. */
type EntryState = "none" | "fresh" | "stale" | "old";

function stateOf(
  tier: Tier,
  key: number,
  now: number,
  { keep, stale, evictUnusedAfter, evictAllAfter }: CacheRules,
): EntryState {
  const start = key * FIELDS;
  const checkedAt = numberAt(tier, start + CHECKED_AT);
  if (checkedAt === 0) return "none";

  const idle = now - numberAt(tier, start + USED_AT);
  const sinceCached = now - numberAt(tier, start + CACHED_AT);
  if (idle >= evictUnusedAfter || sinceCached >= evictAllAfter) return "none";

  tier[start + USED_AT] = now;
  const age = now - checkedAt;
  if (age < keep) return "fresh";
  return age < keep + stale ? "stale" : "old";
}

function copyEntry(from: Tier, to: Tier, key: number): void {
  const start = key * FIELDS;
  for (let field = 0; field < FIELDS; field++) to[start + field] = numberAt(from, start + field);
}

function versionIn(tier: Tier, key: number): number {
  return numberAt(tier, key * FIELDS + VERSION);
}

function numberAt(tier: Tier, index: number): number {
  return tier[index] ?? 0;
}
