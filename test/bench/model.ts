// A model of what the edge keeps, fetches and bills by C1, C2 and L2. It has no pixels, so it is fast enough for
// millions of requests. cost.test.ts compares it with the strict edge.

/** A request to the edge. */
export type Ask = {
  /** The URL of the original. Another version of the object has another one (A15). */
  readonly source: string;
  /** The options without the format, in one fixed spelling. */
  readonly options: string;
  /** The options with the format, in one fixed spelling. */
  readonly rendition: string;
};

export type EdgeAnswer = {
  /** Where it came from: a kept rendition, a kept original, or the bucket. */
  readonly from: "rendition" | "original" | "bucket";
  /** Whether it is billed as a unique transformation (L2). */
  readonly isBilled: boolean;
};

type Model = {
  /**
   * @param place the data centre, which has a cache of its own
   * @param at ms since 1970, never less than before
   * @param seconds how long the edge keeps a new entry: `lifetime` of the strict edge
   */
  ask(ask: Ask, place: number, at: number, seconds: number): EdgeAnswer;
};

/** What a place keeps of one source, each with its expiry in ms since 1970. */
type Held = { original: number; readonly renditions: Map<string, number> };

/** More sets of options than any site has. */
const OPTIONS = 2 ** 10;

/** How many sources a place keeps before it removes expired ones. */
const FEW = 1000;

/** Creates an edge with empty caches. */
export function createModel(): Model {
  const places = new Map<number, Place>();
  const sourceNumbers = new Map<string, number>();
  const optionNumbers = new Map<string, number>();
  const billed = new Set<number>();
  let month = 0;

  return {
    ask({ source, options, rendition }, place, at, seconds) {
      const cache = getOrAdd(places, place, () => ({ held: new Map(), sweepAbove: FEW }));
      const held = getOrAdd(cache.held, source, () => ({ original: 0, renditions: new Map() }));
      if (at < (held.renditions.get(rendition) ?? 0)) {
        return { from: "rendition", isBilled: false }; // C1
      }
      if (month !== new Date(at).getUTCMonth()) billed.clear(); // L2: anew in each month
      month = new Date(at).getUTCMonth();
      // Numbers replace the texts, because there can be millions.
      const number = getOrAdd(sourceNumbers, source, () => sourceNumbers.size) * OPTIONS;
      const transformation = number + getOrAdd(optionNumbers, options, () => optionNumbers.size);
      const isBilled = !billed.has(transformation);
      billed.add(transformation);
      const until = at + seconds * 1000;
      held.renditions.set(rendition, until);
      if (at < held.original) return { from: "original", isBilled }; // C2
      held.original = until;
      if (cache.held.size > cache.sweepAbove) sweep(cache, at);
      return { from: "bucket", isBilled };
    },
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

export function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}
