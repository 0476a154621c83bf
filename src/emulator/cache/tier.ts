// One tier of the cache: of a data centre, or the upper one of all. It has stored responses, the runs that requests wait
// for, and runs in the background (W6, W8). A run that was under way during a purge may still store what it has (W10).

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

export type Tier = TierSettings & {
  /** By `variantKey`. */
  readonly entries: Map<string, StoredResponse>;
  /** The headers by which the newest response for a key varies. */
  readonly varies: Map<string, readonly string[]>;
  /** The runs that other requests for the same key wait for. They never fail. */
  readonly flights: Map<string, Promise<void>>;
};

export function createTier(settings: TierSettings): Tier {
  return { ...settings, entries: new Map(), varies: new Map(), flights: new Map() };
}

/** Answers with a stored response, or gets a new one. Requests that come together wait for one run (W6). */
export async function handle(tier: Tier, cacheRequest: CacheRequest): Promise<TierResult> {
  const isStored = tier.entries.has(variantKey(tier, cacheRequest));
  const isForbidden = isStored && findStored(tier, cacheRequest) === undefined;
  // The request has an Authorization header, and the stored response is not for such requests (W9).
  if (isForbidden) return refresh(tier, { ...cacheRequest, ignoresStored: true, isAlone: true });

  const served = serveStored(tier, cacheRequest);
  if (served !== undefined) return served;

  if (cacheRequest.isAlone) return refresh(tier, cacheRequest);

  const flight = tier.flights.get(variantKey(tier, cacheRequest));
  if (flight === undefined) return startFlight(tier, cacheRequest);

  await flight;
  const landed = serveStored(tier, cacheRequest);
  if (landed !== undefined) return landed;

  // A run in the background has just failed: no second run is started.
  const stored = findStored(tier, cacheRequest);
  if (cacheRequest.isBackground && stored !== undefined) return { status: "STALE", stored };

  // The response was for the first request alone (W6): the others run on their own, at the same time.
  return refresh(tier, { ...cacheRequest, isAlone: true });
}

/** Removes what a purge matches (W10). */
export function purgeTier({ entries }: Tier, matches: (stored: StoredResponse) => boolean): void {
  for (const [key, stored] of entries) {
    if (matches(stored)) entries.delete(key);
  }
}

/** Returns the key with the request's values of the headers by which the response varies (W14). */
function variantKey({ varies }: Tier, { key, request }: CacheRequest): string {
  const names = varies.get(key) ?? [];
  const values = names.map((name) => request.headers.get(name));
  return JSON.stringify([key, ...values]);
}

/** The stored response for a request. With Authorization, only a response that allows this (W9). */
function findStored(tier: Tier, cacheRequest: CacheRequest): StoredResponse | undefined {
  const stored = tier.entries.get(variantKey(tier, cacheRequest));
  if (stored === undefined) return undefined;

  const isPrivate = cacheRequest.request.headers.has("authorization");
  return isPrivate && !stored.policy.isForAll ? undefined : stored;
}

/** The stored response, if it may be used without waiting. */
function serveStored(tier: Tier, cacheRequest: CacheRequest): TierResult | undefined {
  const stored = findStored(tier, cacheRequest);
  if (stored === undefined) return undefined;

  const { isFresh, mayRevalidate } = freshnessOf(stored, tier.now());
  if (isFresh) return { status: "HIT", stored };

  // A run in the background is there to get a fresh one (W8).
  if (!mayRevalidate || cacheRequest.isBackground) return undefined;

  if (!tier.flights.has(variantKey(tier, cacheRequest))) {
    const work = startFlight(tier, { ...cacheRequest, isBackground: true });
    // If it fails, the stored response stays (W8).
    const ignore = () => {};
    tier.addBackgroundWork(work.then(ignore, ignore));
  }
  return { status: "UPDATING", stored };
}

/** Gets a new response, for which other requests for the same key can wait. */
function startFlight(tier: Tier, cacheRequest: CacheRequest): Promise<TierResult> {
  const work = refresh(tier, cacheRequest);

  const key = variantKey(tier, cacheRequest);
  const removeFlight = () => void tier.flights.delete(key);
  tier.flights.set(key, work.then(removeFlight, removeFlight));
  return work;
}

/** Gets a new response. If the entrypoint fails, an old response replaces the error, and stays stored (W8). */
async function refresh(tier: Tier, cacheRequest: CacheRequest): Promise<TierResult> {
  const { next, varies, entries } = tier;
  const old = findStored(tier, cacheRequest);

  let result: TierResult;
  try {
    result = await next(cacheRequest, old);
  } catch (error) {
    if (old !== undefined && mayReplaceError(tier, old)) return { status: "STALE", stored: old };
    throw error;
  }

  const { status } = result.stored === undefined ? result.response : result.stored;
  if (status >= 500 && old !== undefined && mayReplaceError(tier, old)) {
    return { status: "STALE", stored: old };
  }

  if (result.stored !== undefined) {
    varies.set(cacheRequest.key, readVary(result.stored.headers));
    // The new response may vary by other headers, so the key is made anew.
    entries.set(variantKey(tier, cacheRequest), result.stored);
  }
  return result;
}

/** Returns whether a response may be used in place of an error at this moment (W8). */
function mayReplaceError(tier: Tier, stored: StoredResponse): boolean {
  return freshnessOf(stored, tier.now()).mayReplaceError;
}
