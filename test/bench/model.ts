// What the edge keeps, fetches and bills, as far as C1 to C3 and L2 say, without one pixel: small enough
// for millions of requests. cost.test.ts holds it against the strict edge.

/** What one request asks of the edge. */
export type Ask = {
  /** The URL that the edge is given for the original. */
  readonly source: string;
  /** The options but for the format, always in one spelling. */
  readonly options: string;
  /** The options with the format, likewise. */
  readonly print: string;
};

/** Where the answer came from: a print that was kept, an original that was kept, or the bucket. */
export type Outcome = "print" | "original" | "bucket";

export type Model = {
  /**
   * @param place whose cache is asked
   * @param at milliseconds since 1970, never less than before
   * @param seconds how long the edge keeps what it fetches or makes now: `lifetime` of the strict edge
   */
  ask(ask: Ask, place: number, at: number, seconds: number): Outcome;
  /** Drops an original and its prints in all places (C3). */
  purge(source: string): void;
  /** The unique transformations so far, which are billed. */
  transformations(): number;
};

/** What a place keeps of one source; times until when, in milliseconds since 1970. */
type Held = { original: number; readonly prints: Map<string, number> };

/** How many sources a place keeps before it looks for what is too old. */
const FEW = 1000;

/** An edge with nothing in its caches, at the beginning of a month. */
export function createModel(): Model {
  const places = new Map<number, Place>();
  const optionNumbers = new Map<string, number>();
  const billed = new Set<string>();

  return {
    ask({ source, options, print }, place, at, seconds) {
      const cache = of(places, place, () => ({ held: new Map(), sweepAbove: FEW }));
      const held = of(cache.held, source, () => ({ original: 0, prints: new Map() }));
      if (at < (held.prints.get(print) ?? 0)) return "print"; // C1
      // L2: numbers stand for the options, since there can be millions of these.
      const number = of(optionNumbers, options, () => optionNumbers.size);
      billed.add(`${source} ${number}`);
      const until = at + seconds * 1000;
      held.prints.set(print, until);
      if (at < held.original) return "original"; // C2
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

/** Forgets what is too old to be used, which changes no outcome: the first print lasts as its original. */
function sweep(place: Place, at: number): void {
  for (const [source, { prints }] of place.held) {
    for (const [print, until] of prints) if (until <= at) prints.delete(print);
    if (prints.size === 0) place.held.delete(source);
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
