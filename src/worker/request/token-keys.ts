// Finds the key by which a token is checked: one of the public keys (a JWKS, RFC 7517) that its issuer publishes.
// `jose` fetches and reads them. Its own clock is switched off: in the Workers runtime it would fetch once for each visitor
// who waits, and pause only after a success. token-keys-state.ts says when the issuer is asked.
// All requests of an isolate share the keys. Only one of them fetches at a time. The others use the old keys meanwhile;
// where there are none, they wait. No text of the issuer's answer is in a reason, because reasons are logged.

import {
  type CompactJWSHeaderParameters,
  createRemoteJWKSet,
  customFetch,
  errors,
  type RemoteJWKSet,
} from "jose";
import { type Context, cancelBody, type RequestScope } from "../http/send.ts";
import { logNotice } from "../log/log.ts";
import { readBytes } from "../util/bytes.ts";
import { hasProperty, parseJson, tableOf } from "../util/json.ts";
import { memoize } from "../util/memoize.ts";
import { createMemory, type Memory } from "../util/memory.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import {
  advanceTokenKeys,
  FETCH_MS,
  hasUsableKeys,
  isRefusalReported,
  isRenewalDue,
  type KeysFetch,
  MAX_FETCH_MS,
  mayFetchForUnknownKey,
  mustRenewFirst,
  recentFailure,
  runningFetch,
  type TokenKeysEvent,
  type TokenKeysState,
} from "./token-keys-state.ts";

export type KeyLookup =
  | { readonly kind: "key"; readonly key: CryptoKey }
  /** No key of the issuer fits the token. */
  | { readonly kind: "no-key"; readonly reason: string }
  /** The issuer's keys cannot be had, and none are held. `repeated`: that was logged within the last minute. */
  | { readonly kind: "keys-failed"; readonly reason: string; readonly repeated: boolean };

export type KeyScope = RequestScope & {
  /** The configuration that names the keys. An isolate forgets the keys when the configuration is read anew. */
  readonly config: object;
};

/** The keys at one URL. */
type TokenKeys = {
  /** Finds the key for a token's header, once keys were fetched. */
  readonly keySet: RemoteJWKSet;
  readonly memory: Memory<TokenKeysState, TokenKeysEvent>;
};

/** Returns the keys that a configuration names, by their URLs. */
const tokenKeysOf = memoize((_config: object) => new Map<string, TokenKeys>());

/**
 * Finds the key of a token. Waits for the issuer only if it must.
 * @param keysUrl the URL of the keys
 * @param header the token's protected header, whose `alg` was checked
 */
export async function findKey(
  keysUrl: string,
  header: CompactJWSHeaderParameters,
  scope: KeyScope,
): Promise<KeyLookup> {
  const keys = openTokenKeys(keysUrl, scope.config);

  const failure = await holdKeys(keys, scope);
  if (failure !== undefined) return keysFailed(keys, failure);

  const lookup = await lookUp(keys, header);
  if (lookup.kind !== "unknown-key") return lookup;

  // The issuer may have a new key.
  const fetching = fetchForUnknownKey(keys, scope.context);
  if (fetching) {
    await waitFor(fetching, waitsUntil(scope), keys.memory);
    const secondLookup = await lookUp(keys, header);
    if (secondLookup.kind !== "unknown-key") return secondLookup;
  }

  // If the keys cannot be renewed, the reason is still that of the token, and the issuer is not blamed: anybody can send a
  // token that names a key which never existed.
  const { failure: fetchFailure } = keys.memory.state();
  const { reason } = lookup;
  if (!fetchFailure) return noKey(reason);
  return noKey(`${reason}, and its keys cannot be renewed: ${fetchFailure.reason}`);
}

/** Returns what is known of the keys at a URL: nothing, the first time. */
function openTokenKeys(keysUrl: string, config: object): TokenKeys {
  const keysByUrl = tokenKeysOf(config);
  const existing = keysByUrl.get(keysUrl);
  if (existing) return existing;

  const start: TokenKeysState = { keysUrl };
  const keys = {
    keySet: createKeySet(keysUrl),
    memory: createMemory(start, advanceTokenKeys, logNotice),
  };
  keysByUrl.set(keysUrl, keys);
  return keys;
}

/**
 * Makes sure that there are keys, and waits for them if there are none, or only old ones.
 * @returns undefined if there are; else why not
 */
async function holdKeys(keys: TokenKeys, scope: RequestScope): Promise<string | undefined> {
  const { memory } = keys;
  const until = waitsUntil(scope);

  // While this request waits, other requests change the memory, so each round reads it anew. There is a second round if the
  // fetch was cancelled. `until` ends the loop at the latest.
  for (;;) {
    const now = Date.now();
    const state = memory.state();
    const running = runningFetch(state, now);

    const mustWait = mustRenewFirst(state, now) && now < until;
    if (hasUsableKeys(state, now) && !mustWait) {
      // The old keys can still be used, so this request begins a fetch of newer ones, and does not wait for it.
      if (!running && isRenewalDue(state, now)) startFetch(keys, scope.context);
      return undefined;
    }

    // Without this pause, each visitor would ask an issuer that is down. A fetch that runs may still succeed.
    const failure = recentFailure(state, now);
    if (!running && failure) return failure.reason;
    if (now >= until) return NO_ANSWER;

    const fetching = running ?? startFetch(keys, scope.context);
    await waitFor(fetching, until, memory);
  }
}

/**
 * Fetches the keys once more for a token that names none of them.
 * @returns undefined if that was done a moment ago
 */
function fetchForUnknownKey(keys: TokenKeys, context: Context): KeysFetch | undefined {
  const now = Date.now();
  const state = keys.memory.state();
  const running = runningFetch(state, now);
  if (running) return running;

  if (!mayFetchForUnknownKey(state, now)) return undefined;
  return startFetch(keys, context);
}

/** Returns how long a visitor waits for keys: ms since 1970. */
function waitsUntil({ deadline }: RequestScope): number {
  return Math.min(deadline, Date.now() + FETCH_MS);
}

/**
 * Waits for a fetch, which another request may have begun.
 * @param until ms since 1970
 */
async function waitFor(
  fetching: KeysFetch,
  until: number,
  memory: TokenKeys["memory"],
): Promise<void> {
  try {
    await withTimeout(until - Date.now(), fetching.ended);
  } catch {
    // A fetch does not reject by itself. The runtime rejects for it if that request has ended.
    memory.learn({ type: "fetch-cancelled", fetch: fetching });
  }
}

/** Begins a fetch, and lets the other requests know. */
function startFetch(keys: TokenKeys, context: Context): KeysFetch {
  // This call comes back at the first `await` of `fetchKeys`. What follows that `await` runs after this function, so the
  // memory learns first that the fetch began, and then its result.
  const began = Date.now();
  const fetching = { ended: fetchKeys(keys, began), began };
  keys.memory.learn({ type: "fetch-started", fetch: fetching });

  // The fetch goes on when this visitor has left: other visitors wait for it.
  context.waitUntil(fetching.ended);
  return fetching;
}

/** The reason if the visitor can wait no longer, or the issuer has taken too long. */
const NO_ANSWER = "the issuer does not give its keys in time";

/** Fetches the keys, and puts the result into the memory. Does not reject: a failure is a result, too. */
async function fetchKeys({ keySet, memory }: TokenKeys, began: number): Promise<void> {
  const reloading = keySet.reload().then(() => undefined, messageOf);
  const result = await withTimeout(FETCH_MS, reloading);
  const reason = result === TIMED_OUT ? NO_ANSWER : result;

  if (reason === undefined) memory.learn({ type: "fetched", began });
  else memory.learn({ type: "fetch-failed", reason, now: Date.now() });
}

/** Returns what an error says: one of `requestKeys`, or of `jose`, whose messages have no text of the answer either. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : `${error}`;
}

/** Opens the keys at a URL by `jose`. Nothing is fetched yet, and nothing ever without a call of `reload`. */
function createKeySet(keysUrl: string): RemoteJWKSet {
  return createRemoteJWKSet(new URL(keysUrl), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
    timeoutDuration: MAX_FETCH_MS, // then the request itself is aborted: nobody waits for it any more
    [customFetch]: requestKeys,
  });
}

/** The longest answer that is read: bytes. That of an issuer with two RSA keys has about 2,000. */
const MAX_BYTES = 65_536;

/**
 * How Cloudflare's cache keeps the answer, for all isolates of one of its data centres (C4 in docs/rules.md):
 * - It keeps a success for a minute, whatever the answer's own headers say, and whatever its URL ends with.
 * - It never keeps a failure. `cacheTtl` would keep that, too: a short failure would last for a minute, and each isolate
 *   asks again after 30 s.
 */
const CACHING = {
  cacheEverything: true,
  cacheTtlByStatus: { "200-299": 60, "300-599": -1 },
};

/**
 * Requests the keys for `jose`, which parses them.
 * @param init with `redirect: "manual"`: a redirect could lead to keys of somebody else
 * @throws an error that says what is wrong with the answer, without any text of it
 */
async function requestKeys(url: string, init: RequestInit): Promise<Response> {
  const deadline = Date.now() + FETCH_MS;
  const response = await fetch(url, { ...init, cf: CACHING }).catch(failRequest);

  const { status, body } = response;
  if (status !== 200) {
    cancelBody(body);
    const isRedirect = status >= 300 && status < 400;
    const advice = isRedirect ? ", a redirect: set keys to the URL where it ends" : "";
    throw new Error(`the issuer answers ${status}${advice}`);
  }

  const bytes = await readBytes(body, MAX_BYTES, deadline);
  if (bytes === "too-long") throw new Error("the issuer's keys have more than 64 KB");
  if (bytes === TIMED_OUT) throw new Error(NO_ANSWER);

  // An answer without such a key would take the place of the keys that serve.
  const json = parseJson(new TextDecoder().decode(bytes));
  if (isEmptyKeySet(json)) throw new Error("the issuer's answer has no key for signatures");
  return new Response(bytes);
}

/** Returns whether a set has no key by which a token could be checked. What is no set at all, `jose` refuses. */
function isEmptyKeySet(json: unknown): boolean {
  const keys = tableOf(json)["keys"];
  return Array.isArray(keys) && !keys.some(isForSignatures);
}

/** Returns whether a value may be a public key for signatures (RFC 7517, section 4.2; RFC 7518, section 6). */
function isForSignatures(key: unknown): boolean {
  const { kty, use, n, x } = tableOf(key);
  if (use !== undefined && use !== "sig") return false;
  if (kty === "RSA") return typeof n === "string";

  const isCurve = kty === "EC" || kty === "OKP";
  return isCurve && typeof x === "string";
}

function failRequest(error: unknown): never {
  throw new Error(`the request failed: ${messageOf(error)}`);
}

function keysFailed({ memory }: TokenKeys, reason: string): KeyLookup {
  const now = Date.now();

  // The log leaves out a refusal that is `repeated`.
  const repeated = isRefusalReported(memory.state(), now);
  if (!repeated) memory.learn({ type: "refusal-reported", now });

  return { kind: "keys-failed", reason, repeated };
}

type NoKey = Extract<KeyLookup, { kind: "no-key" }>;

/** What is known after a look at the keys that were fetched already. */
type FirstLookup =
  | Extract<KeyLookup, { kind: "key" }>
  | NoKey
  /** No key fits, or it cannot be read. The issuer may have another one that was not fetched yet. */
  | { readonly kind: "unknown-key"; readonly reason: string };

/**
 * Finds the key among those that were fetched. `jose` takes only keys for the header's `alg` that may verify signatures,
 * and no secret or private one. It does not read the others, so a malformed one does no harm.
 */
async function lookUp(
  { keySet }: TokenKeys,
  header: CompactJWSHeaderParameters,
): Promise<FirstLookup> {
  const { alg } = header;

  // JSON can hold anything. No key has such a name, so the issuer need not be asked.
  const kid: unknown = header.kid;
  if (kid !== undefined && typeof kid !== "string") return noKey("the token's kid is no text");

  try {
    const key = await keySet(header);
    const bits = rsaBitsOf(key);
    if (bits !== undefined && bits < MIN_RSA_BITS) {
      return noKey(`the issuer's key has ${bits} bits, and needs ${MIN_RSA_BITS}`);
    }
    return { kind: "key", key };
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) {
      return { kind: "unknown-key", reason: `the issuer has no key ${nameOf(kid)}for ${alg}` };
    }
    if (error instanceof errors.JWKSMultipleMatchingKeys) {
      return noKey(`the issuer has several keys ${nameOf(kid)}for ${alg}`);
    }

    // The issuer may have repaired this key, so the caller fetches once more.
    const reason = `the issuer's key ${nameOf(kid)}for ${alg} cannot be read`;
    return { kind: "unknown-key", reason };
  }
}

function noKey(reason: string): NoKey {
  return { kind: "no-key", reason };
}

/** A token may name a key by a long text. In a message it is cut to so many characters. */
const MAX_KID_LENGTH = 100;

/** Returns the name of a key and a space, for a sentence; or nothing where the token names none. */
function nameOf(kid: string | undefined): string {
  if (kid === undefined) return "";
  return `${JSON.stringify(kid.slice(0, MAX_KID_LENGTH))} `;
}

/** Shorter RSA keys are not safe any more (RFC 7518, section 3.3). */
const MIN_RSA_BITS = 2048;

/** Returns the length of an RSA key, or undefined for another key. */
function rsaBitsOf({ algorithm }: CryptoKey): number | undefined {
  if (!hasProperty(algorithm, "modulusLength")) return undefined;
  return Number(algorithm.modulusLength);
}
