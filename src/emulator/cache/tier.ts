// One tier of the cache, of a data centre or the upper one of all: its stored responses, the requests that wait for a
// run, and runs in the background (W6, W8).

import type { Entrypoint } from "./entrypoint.ts";
import type { TierResult } from "./http.ts";
import { freshnessOf, readVary, type StoredResponse } from "./stored-response.ts";

/** A request to an entrypoint, on its way through the tiers. */
export type CacheRequest = {
  readonly key: string;
  /** The entrypoint's name in `ctx.exports`. */
  readonly name: string;
  readonly request: Request;
  /** The data centre of the visitor. */
  readonly dataCenter: string;
  /** Creates an instance of the entrypoint, with a context of its own. */
  readonly build: () => Entrypoint;
  /** Whether the request waits for no other request, and no other request waits for this one (W6). */
  readonly isAlone?: boolean;
  /** Whether the visitor already has a stale response (W8). */
  readonly isBackground?: boolean;
  /** Whether the stored response must not be used for this request (W9). */
  readonly ignoresStored?: boolean;
};

type TierSettings = {
  readonly now: () => number;
  /** Passes the request to the tier above, or runs the entrypoint. May fail. */
  readonly next: (request: CacheRequest, old: StoredResponse | undefined) => Promise<TierResult>;
  /** Gets the work that goes on after the response. It never fails. */
  readonly addBackgroundWork: (work: Promise<void>) => void;
};

export type Tier = {
  handle(cacheRequest: CacheRequest): Promise<TierResult>;
  /** Removes what a purge matches (W10). A run that is under way may still use and store what it has. */
  purge(matches: (stored: StoredResponse) => boolean): void;
};

export function createTier({ now, next, addBackgroundWork }: TierSettings): Tier {
  /** By `variantKey`. */
  const entries = new Map<string, StoredResponse>();
  /** What the newest response for a key varies by. */
  const varies = new Map<string, readonly string[]>();
  /** The runs that other requests for the same key wait for. They never fail. */
  const flights = new Map<string, Promise<void>>();

  /** Returns the key with the request's values of the headers by which the response varies (W14). */
  function variantKey({ key, request }: CacheRequest): string {
    const names = varies.get(key) ?? [];
    return JSON.stringify([key, ...names.map((name) => request.headers.get(name))]);
  }

  /** The stored response for a request. With Authorization, only a response that allows this (W9). */
  function findStored(cacheRequest: CacheRequest): StoredResponse | undefined {
    const stored = entries.get(variantKey(cacheRequest));
    const isAllowed = stored?.policy.isForAll || !cacheRequest.request.headers.has("authorization");
    return isAllowed ? stored : undefined;
  }

  async function handle(cacheRequest: CacheRequest): Promise<TierResult> {
    const isStored = entries.has(variantKey(cacheRequest));
    const ignoresStored = isStored && findStored(cacheRequest) === undefined; // it has Authorization (W9)
    if (ignoresStored) return refresh({ ...cacheRequest, ignoresStored, isAlone: true });
    const served = serveStored(cacheRequest);
    if (served !== undefined) return served;
    if (cacheRequest.isAlone) return refresh(cacheRequest);
    const flight = flights.get(variantKey(cacheRequest));
    if (flight === undefined) return startFlight(cacheRequest);
    await flight;
    const landed = serveStored(cacheRequest);
    if (landed !== undefined) return landed;
    const stored = findStored(cacheRequest);
    // A run in the background has just failed: no second run is started.
    if (cacheRequest.isBackground && stored !== undefined) return { status: "STALE", stored };
    // The response was for the first request alone (W6): the others run on their own, at the same time.
    return refresh({ ...cacheRequest, isAlone: true });
  }

  /** The stored response, if it may be used without waiting. */
  function serveStored(cacheRequest: CacheRequest): TierResult | undefined {
    const stored = findStored(cacheRequest);
    if (stored === undefined) return undefined;
    const { isFresh, mayRevalidate } = freshnessOf(stored, now());
    if (isFresh) return { status: "HIT", stored };
    if (!mayRevalidate || cacheRequest.isBackground) return undefined; // the background run needs a fresh one (W8)
    if (!flights.has(variantKey(cacheRequest))) {
      addBackgroundWork(startFlight({ ...cacheRequest, isBackground: true }).then(ignore, ignore));
    }
    return { status: "UPDATING", stored };
  }

  function startFlight(cacheRequest: CacheRequest): Promise<TierResult> {
    const work = refresh(cacheRequest);
    const key = variantKey(cacheRequest);
    const removeFlight = () => void flights.delete(key);
    flights.set(key, work.then(removeFlight, removeFlight));
    return work;
  }

  /** Gets a new response. If the entrypoint fails, an old response takes its place, and stays stored (W8). */
  async function refresh(cacheRequest: CacheRequest): Promise<TierResult> {
    const old = findStored(cacheRequest);
    const replacesError = () => old !== undefined && freshnessOf(old, now()).mayReplaceError;
    try {
      const result = await next(cacheRequest, old);
      const { status } = result.stored === undefined ? result.response : result.stored;
      if (status >= 500 && old !== undefined && replacesError()) {
        return { status: "STALE", stored: old };
      }
      if (result.stored !== undefined) {
        varies.set(cacheRequest.key, readVary(result.stored.headers));
        entries.set(variantKey(cacheRequest), result.stored);
      }
      return result;
    } catch (error) {
      if (old !== undefined && replacesError()) return { status: "STALE", stored: old };
      throw error;
    }
  }

  return {
    handle,
    purge(matches) {
      for (const [key, stored] of entries) if (matches(stored)) entries.delete(key);
    },
  };
}

const ignore = () => {}; // a background run that fails: the stored response stays (W8)
