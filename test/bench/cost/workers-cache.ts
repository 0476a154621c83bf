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
  readonly evictAfter: number;
};

/** The entries of one tier, by their keys. */
type Tier = {
  /** When S3 confirmed the entry last, in seconds. 0: there is none. */
  readonly checkedAt: Uint32Array;
  readonly usedAt: Uint32Array;
  readonly version: Uint16Array;
};

export type WorkersCache = {
  readonly rules: CacheRules;
  readonly dataCenters: readonly Tier[];
  readonly upper: Tier;
};

/** @param keys how many keys there are */
export function createWorkersCache(rules: CacheRules, keys: number): WorkersCache {
  const createTier = (): Tier => ({
    checkedAt: new Uint32Array(keys),
    usedAt: new Uint32Array(keys),
    version: new Uint16Array(keys),
  });
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
 * Keeps what Renditions has answered, in the upper tier and in that of a data centre.
 * @param dataCenter undefined: in the upper tier alone
 */
export function keepVersion(
  { dataCenters, upper }: WorkersCache,
  dataCenter: number | undefined,
  key: number,
  version: number,
  now: number,
): void {
  upper.version[key] = version;
  upper.checkedAt[key] = now;
  upper.usedAt[key] = now;
  if (dataCenter === undefined) return;
  copyEntry(upper, elementAt(dataCenters, dataCenter), key);
}

/** Drops entries everywhere (W10). */
export function purgeKeys({ dataCenters, upper }: WorkersCache, from: number, to: number): void {
  for (const tier of [...dataCenters, upper]) tier.checkedAt.fill(0, from, to);
}

/** "old": it is not shown any more, but S3 may confirm it. */
type EntryState = "none" | "fresh" | "stale" | "old";

function stateOf(
  { checkedAt, usedAt }: Tier,
  key: number,
  now: number,
  { keep, stale, evictAfter }: CacheRules,
): EntryState {
  const checked = numberAt(checkedAt, key);
  const idle = now - numberAt(usedAt, key);
  if (checked === 0 || idle >= evictAfter) return "none";

  usedAt[key] = now;
  const age = now - checked;
  if (age < keep) return "fresh";
  return age < keep + stale ? "stale" : "old";
}

function copyEntry(from: Tier, to: Tier, key: number): void {
  to.version[key] = versionIn(from, key);
  to.checkedAt[key] = numberAt(from.checkedAt, key);
  to.usedAt[key] = numberAt(from.usedAt, key);
}

function versionIn({ version }: Tier, key: number): number {
  return numberAt(version, key);
}

function numberAt(numbers: Uint16Array | Uint32Array, key: number): number {
  return numbers[key] ?? 0;
}
