// A model of Workers Cache in front of the entrypoint that asks the edge (W5, W8): a cache a place, and an
// upper tier that all of them ask. It has no responses, only the times at which they were made.

import type { Ask } from "./model.ts";

export type CacheRules = {
  /** How long a rendition is fresh, in seconds. */
  readonly keep: number;
  /** How long after that it is served while it is made again, in seconds. */
  readonly stale: number;
  /** How long after that it is served where it cannot be made, in seconds. */
  readonly staleIfError: number;
  /** Where the entrypoint runs, and so which place of the edge it asks (W5, open). */
  readonly runsIn: "upper" | "visitor";
};

/**
 * Runs the entrypoint.
 * @param place the data centre in which it runs
 * @param waits whether a visitor waits for it; false: in the background
 * @returns whether it made an image
 */
export type Run = (place: number, waits: boolean) => boolean;

type Tiers = {
  /**
   * @param place the data centre of the visitor
   * @param at ms since 1970, never less than before
   * @returns when the image that the visitor gets was made, in ms since 1970; undefined: there is none
   */
  ask(ask: Ask, place: number, at: number, run: Run): number | undefined;
  /** Drops all renditions of an original in all tiers (W10). */
  purge(source: string): void;
};

/** The data centre of the upper tier. */
export const UPPER = -1;

/** When each rendition that a tier holds was made, in ms since 1970. */
type Held = Map<number, number>;

/** More renditions than any object has. */
const RENDITIONS = 2 ** 20;

/** Creates empty tiers. */
export function createTiers({ keep, stale, staleIfError, runsIn }: CacheRules): Tiers {
  const upper: Held = new Map();
  const lower = new Map<number, Held>();
  const sources = new Map<string, number>();
  const renditions = new Map<string, number>();
  let named = 0;

  /**
   * @param waits false: it is a refresh in the background, so what is stale is no answer
   * @param make asks the next tier, or runs the entrypoint
   */
  function look(
    held: Held,
    key: number,
    at: number,
    waits: boolean,
    make: (waits: boolean) => number | undefined,
  ): number | undefined {
    const made = held.get(key);
    const age = made === undefined ? Number.POSITIVE_INFINITY : (at - made) / 1000;
    if (age < keep) return made;
    const isServed = waits && age < keep + stale;
    const again = make(waits && !isServed);
    if (again !== undefined) held.set(key, again);
    if (isServed) return made;
    return again ?? (age < keep + staleIfError ? made : undefined);
  }

  return {
    ask({ source, rendition }, place, at, run) {
      const numbered = numberOf(sources, source, () => named++);
      const key = numbered * RENDITIONS + numberOf(renditions, rendition, () => renditions.size);
      const held = lower.get(place) ?? new Map();
      lower.set(place, held);
      const runs = (waits: boolean) =>
        run(runsIn === "upper" ? UPPER : place, waits) ? at : undefined;
      return look(held, key, at, true, (waits) => look(upper, key, at, waits, runs));
    },
    // Its next number is new: nothing is found under the old one.
    purge: (source) => void sources.delete(source),
  };
}

function numberOf(numbers: Map<string, number>, name: string, next: () => number): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  const number = next();
  numbers.set(name, number);
  return number;
}
