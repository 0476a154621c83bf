// A model of what the edge keeps, fetches and bills by C1 to C3 and L2. It has no pixels, so it is fast
// enough for millions of requests. cost.test.ts compares it with the strict edge.

/** A request to the edge. */
export type Ask = {
  /** The URL of the original. */
  readonly source: string;
  /** The options without the format, in one fixed spelling. */
  readonly options: string;
  /** The options with the format, in one fixed spelling. */
  readonly rendition: string;
};

/**
 * Where the answer came from: a kept rendition, a kept original, or the bucket. `failed`: there is none,
 * because the bucket is needed and cannot be read.
 */
export type Outcome = "rendition" | "original" | "bucket" | "failed";

type Model = {
  /**
   * @param place the data centre, which has a cache of its own
   * @param at ms since 1970, never less than before
   * @param seconds how long the edge keeps a new entry: `lifetime` of the strict edge
   * @param isDown whether the bucket cannot be read: S3 is down, or it refuses all keys
   */
  ask(ask: Ask, place: number, at: number, seconds: number, isDown?: boolean): Outcome;
  /** Drops an original and its renditions in all places (C3). */
  purge(source: string): void;
  /** The unique transformations so far, which are billed. */
  transformations(): number;
};

/** What a place keeps of one source, each with its expiry in ms since 1970. */
type Held = { original: number; readonly renditions: Map<string, number> };

/** More sets of options than any site has. */
const OPTIONS = 2 ** 20;

/** How many sources a place keeps before it removes expired ones. */
const FEW = 1000;

/** Creates an edge with empty caches, at the beginning of a month. */
export function createModel(): Model {
  const places = new Map<number, Place>();
  const sourceNumbers = new Map<string, number>();
  const optionNumbers = new Map<string, number>();
  const billed = new Set<number>();

  return {
    ask({ source, options, rendition }, place, at, seconds, isDown = false) {
      const cache = of(places, place, () => ({ held: new Map(), sweepAbove: FEW }));
      const held = of(cache.held, source, () => ({ original: 0, renditions: new Map() }));
      if (at < (held.renditions.get(rendition) ?? 0)) return "rendition"; // C1
      const hasOriginal = at < held.original;
      if (isDown && !hasOriginal) return "failed"; // C4: the Worker has failures not kept
      // L2: numbers replace the texts, because there can be millions.
      const number = of(optionNumbers, options, () => optionNumbers.size);
      billed.add(of(sourceNumbers, source, () => sourceNumbers.size) * OPTIONS + number);
      const until = at + seconds * 1000;
      held.renditions.set(rendition, until);
      if (hasOriginal) return "original"; // C2
      held.original = until;
      if (cache.held.size > cache.sweepAbove) sweep(cache, at);
      return "bucket";
    },
    purge(source) {
      for (const { held } of places.values()) held.delete(source);
    },
    transformations: () => billed.size,
  };
}

type Place = { readonly held: Map<string, Held>; sweepAbove: number };

/** Removes expired entries. This changes no result: a rendition lives at least as long as its original. */
function sweep(place: Place, at: number): void {
  for (const [source, { renditions }] of place.held) {
    for (const [rendition, until] of renditions) if (until <= at) renditions.delete(rendition);
    if (renditions.size === 0) place.held.delete(source);
  }
  place.sweepAbove = Math.max(FEW, place.held.size * 2);
}

function of<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
