// Counts how often an object is fetched for a place while it is fresh there. It uses only times, never
// URLs or cache keys of the edge.

import type { Outcome } from "./model.ts";

export type Freshness = {
  /** The most fetches of one object for one place within one period of freshness. */
  readonly mostFetchesWhileFresh: number;
  /** The most requests that one fetch served while fresh, and the renditions made of it. */
  readonly busiestFetch: { readonly requests: number; readonly prints: number };
};

/** One fetch of one object for one place, while it is fresh. */
type Fetched = {
  until: number;
  replaced: number;
  fetches: number;
  requests: number;
  prints: number;
};

/** @param seconds how long an object stays fresh */
export function createFreshness(places: number, seconds: number) {
  const fetched = new Map<number, Fetched>();
  const replacements = new Map<number, number>();
  let most = 0;
  let busiest = { requests: 0, prints: 0 };
  return {
    replaced(object: number) {
      replacements.set(object, (replacements.get(object) ?? 0) + 1);
    },
    note(object: number, place: number, at: number, outcome: Outcome) {
      const key = object * places + place;
      const replaced = replacements.get(object) ?? 0;
      let now = fetched.get(key);
      if (outcome === "bucket") {
        if (now === undefined || at >= now.until || now.replaced !== replaced) {
          now = { until: at + seconds * 1000, replaced, fetches: 0, requests: 0, prints: 0 };
          fetched.set(key, now);
        }
        now.fetches += 1;
        most = Math.max(most, now.fetches);
      }
      if (now === undefined) return;
      now.requests += 1;
      if (outcome !== "rendition") now.prints += 1;
      if (now.fetches === 1 && now.requests > busiest.requests) {
        busiest = { requests: now.requests, prints: now.prints };
      }
    },
    told: (): Freshness => ({ mostFetchesWhileFresh: most, busiestFetch: busiest }),
  };
}
