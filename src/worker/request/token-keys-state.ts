// What an isolate knows of the keys at one URL: public keys (a JWKS, RFC 7517), by which an issuer's tokens are checked.
// This state decides when the issuer is asked. Anybody can send tokens that name unknown keys: they must not make the Worker
// ask the issuer again and again, and must not hide from it that the issuer has new keys.
// An event changes the state: (state, event) → { state, effects }. The effects are lines for the log.
// Pure: no request and no clock. `now` is passed in, in ms since 1970. The keys themselves are in token-keys.ts.

import type { TokenKeysNotice } from "../log/notice.ts";
import { countForLog, isWithin, LOG_PERIOD_MS, type LogCount } from "../util/time.ts";

export type TokenKeysState = {
  /** The URL of the keys. */
  readonly keysUrl: string;
  /** When the fetch began that brought the keys which are held: ms since 1970. Undefined: none are held. */
  readonly fetchedAt?: number | undefined;
  /** When the last fetch began, also one that failed or never ended: ms since 1970. */
  readonly askedAt?: number | undefined;
  /** The fetch that is under way. */
  readonly fetch?: KeysFetch | undefined;
  /** Why and when the last fetch failed; undefined after one that succeeded. */
  readonly failure?: FetchFailure | undefined;
  /** When a failed fetch was last logged while old keys serve, and how many have failed since. */
  readonly failureLog?: LogCount | undefined;
  /** When it was last logged that a visitor gets no picture because there are no keys: ms since 1970. */
  readonly refusedAt?: number | undefined;
};

export type KeysFetch = {
  /**
   * Resolves when the result is in the state. If the runtime ends the request that began the fetch before, it rejects for
   * the others, or never settles.
   */
  readonly ended: Promise<unknown>;
  /** When it began: ms since 1970. */
  readonly began: number;
};

type FetchFailure = {
  readonly reason: string;
  /** When it ended: ms since 1970. */
  readonly at: number;
};

export type TokenKeysEvent =
  | { readonly type: "fetch-started"; readonly fetch: KeysFetch }
  /** The fetch that began then has brought keys. */
  | { readonly type: "fetched"; readonly began: number }
  | { readonly type: "fetch-failed"; readonly reason: string; readonly now: number }
  /** The runtime has ended the request that began this fetch. */
  | { readonly type: "fetch-cancelled"; readonly fetch: KeysFetch }
  /** A visitor gets no picture, because there are no keys. The log's line is that of the refusal itself. */
  | { readonly type: "refusal-reported"; readonly now: number };

type Advanced = { readonly state: TokenKeysState; readonly effects: readonly TokenKeysNotice[] };

export function advanceTokenKeys(state: TokenKeysState, event: TokenKeysEvent): Advanced {
  switch (event.type) {
    case "fetch-started": {
      const { fetch } = event;
      return changed(state, { fetch, askedAt: fetch.began });
    }

    case "fetched":
      return changed(state, { fetchedAt: event.began, fetch: undefined, failure: undefined });

    case "fetch-failed":
      return failFetch(state, event.reason, event.now);

    case "fetch-cancelled": {
      // Several requests waited for this fetch. One of them may have begun another fetch already: that one stays.
      const fetch = state.fetch === event.fetch ? undefined : state.fetch;
      return changed(state, { fetch });
    }

    case "refusal-reported":
      return changed(state, { refusedAt: event.now });
  }
}

function changed(
  state: TokenKeysState,
  change: Partial<TokenKeysState>,
  effects: readonly TokenKeysNotice[] = [],
): Advanced {
  return { state: { ...state, ...change }, effects };
}

/** Logs a failed fetch once a minute, if old keys serve: visitors notice nothing yet. */
function failFetch(state: TokenKeysState, reason: string, now: number): Advanced {
  const change = { fetch: undefined, failure: { reason, at: now } };

  // Without keys, visitors are refused, and that refusal is logged.
  const { fetchedAt } = state;
  if (fetchedAt === undefined || !hasUsableKeys(state, now)) return changed(state, change);

  // `times` is how many fetches have failed since the last line. `logCount` is remembered for the next line.
  const { times, shouldLog, logCount } = countForLog(state.failureLog, now);
  const notice: TokenKeysNotice = {
    event: "token-keys-old",
    keys: state.keysUrl,
    reason,
    fetched: new Date(fetchedAt).toISOString(),
    times,
  };
  const effects = shouldLog ? [notice] : [];
  return changed(state, { ...change, failureLog: logCount }, effects);
}

/** While the issuer cannot be asked, its keys are used for so long after they were fetched: ms. */
const MAX_AGE_MS = 24 * 3_600_000;

/** Returns whether keys are held, and are not too old. */
export function hasUsableKeys({ fetchedAt }: TokenKeysState, now: number): boolean {
  return isWithin(MAX_AGE_MS, fetchedAt, now);
}

/** Keys are fresh for so long after they were fetched: ms. Nobody asks for newer ones, unless a token names one. */
const FRESH_MS = 10 * 60_000;

/** Keys that nobody has renewed for so long are renewed before they are used: ms. */
const MAX_UNRENEWED_MS = 2 * FRESH_MS;

/**
 * Returns whether keys are so old that a visitor waits for newer ones. If no visitor has come for a while, nobody has
 * renewed the keys, and the issuer may have removed one of them long ago. After a failed fetch, the old keys serve.
 */
export function mustRenewFirst(state: TokenKeysState, now: number): boolean {
  return isRenewalDue(state, now) && !isWithin(MAX_UNRENEWED_MS, state.fetchedAt, now);
}

/** Returns whether keys that can be used are to be renewed now, while they serve. */
export function isRenewalDue(state: TokenKeysState, now: number): boolean {
  if (recentFailure(state, now)) return false;
  return !isWithin(FRESH_MS, state.fetchedAt, now);
}

/** After a failed fetch, and before a fetch for an unknown key, the issuer is left alone for so long: ms. */
const PAUSE_MS = 30_000;

/**
 * Returns whether a token that names an unknown key may begin a fetch: the issuer may have a new key. Whoever began the
 * last fetch, it must be 30 s ago. So all unknown keys together begin one fetch in 30 s at most. An issuer's new key
 * is missed for no longer than that, and for another minute where Cloudflare's cache has the older answer.
 */
export function mayFetchForUnknownKey(state: TokenKeysState, now: number): boolean {
  if (recentFailure(state, now)) return false;
  return !isWithin(PAUSE_MS, state.askedAt, now);
}

/** Returns why the issuer is not asked now, even if keys are missing: a fetch failed a moment ago. */
export function recentFailure({ failure }: TokenKeysState, now: number): FetchFailure | undefined {
  return isWithin(PAUSE_MS, failure?.at, now) ? failure : undefined;
}

/** How long a fetch may take, the body included, and how long a visitor waits for one: ms. */
export const FETCH_MS = 2_000;

/**
 * For how long others count a fetch as under way: ms. It is more than FETCH_MS, so the fetch itself reports its end
 * before. After that it was cancelled together with the request that began it, and somebody else begins another.
 */
export const MAX_FETCH_MS = 2_500;

/** Returns the fetch that is under way, and that others wait for. */
export function runningFetch({ fetch }: TokenKeysState, now: number): KeysFetch | undefined {
  return isWithin(MAX_FETCH_MS, fetch?.began, now) ? fetch : undefined;
}

/** Returns whether it was logged within the last minute that a visitor is refused. */
export function isRefusalReported({ refusedAt }: TokenKeysState, now: number): boolean {
  return isWithin(LOG_PERIOD_MS, refusedAt, now);
}
