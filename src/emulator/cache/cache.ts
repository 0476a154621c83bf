// Cloudflare's Workers Cache in front of an entrypoint, as strict as in production (W1 to W18). docs/rules.md has the
// rules. This file shows the steps of a request: the tier of the visitor's data centre is asked first, then the upper
// tier of all data centres, and the entrypoint runs only if neither has a response.

import {
  call,
  checkSettings,
  definedOf,
  flag,
  guardSwitches,
  oneOf,
  optional,
  type SwitchValues,
  strictValues,
  switchOf,
} from "../check.ts";
import { unlessAborted } from "../fetch.ts";
import {
  type CachedEntrypoint,
  currentLocation,
  type Entrypoint,
  type PurgeOptions,
  type PurgeResult,
  type RunContext,
  type RunLocation,
  runAt,
} from "./entrypoint.ts";
import {
  find304Mistake,
  forwardedRequest,
  readResponse,
  type TierResult,
  writeResponse,
} from "./http.ts";
import { createPurgeLimit, purgeFilter, purgeRefusalOf } from "./purge.ts";
import type { StoredResponse } from "./stored-response.ts";
import { type CacheRequest, createTier, handle, purgeTier, type Tier } from "./tier.ts";

/**
 * What is unknown of Workers Cache, or is set in wrangler.toml. The strict values are what wrangler.toml of this project
 * asks for; for an open question, the answer that costs more.
 */
export const SWITCHES = {
  /** Whether the entrypoint has a cache: `[cache] enabled`, or its own in `[exports.NAME]` (W1, W2). */
  enabled: switchOf(flag, true),
  /** `[cache] cross_version_cache`: with it, the key lacks the version (W4). */
  crossVersion: switchOf(flag, true),
  /** Where the entrypoint runs after a miss in both tiers (W5, open). */
  runsIn: switchOf(oneOf("upper", "visitor"), "visitor"),
  /**
   * Whether the edge transforms behind a loopback. In workerd it does. `forgotten`: never; `not-in-background`: not
   * where nobody waits for the response (W8); `not-in-upper-tier`: not where the entrypoint runs in the upper tier
   * (W5). The cache does not play this itself: a test's edge asks `transforms()` (W13, open).
   */
  loopback: switchOf(
    oneOf("transformed", "forgotten", "not-in-background", "not-in-upper-tier"),
    "transformed",
  ),
};

/**
 * The switches of the cache.
 * @example
 * const switches: Partial<CacheSwitches> = { enabled: false };
 */
export type CacheSwitches = SwitchValues<typeof SWITCHES>;

const STRICT = strictValues(SWITCHES);

/**
 * What a cache is made with: a clock, and any of its switches.
 * @example
 * const settings: CacheSettings = { runsIn: "upper", now: () => clock.now };
 */
export type CacheSettings = Partial<CacheSwitches> & {
  /** ms since 1970. Left out: the clock of this machine. */
  readonly now?: () => number;
};

/**
 * A run of the entrypoint, and its reason: nothing was stored (`miss`), the stored response was too old (`expired`), it
 * was renewed in the background (`revalidate`), or the cache was bypassed (`bypass`).
 * @example
 * expect(cache.runs.map(({ reason }: Run) => reason)).toEqual(["miss", "expired"]);
 */
export type Run = {
  readonly url: string;
  /** The data centre in which it ran; "upper": that of the upper tier (W5). */
  readonly dataCenter: string;
  readonly reason: "miss" | "expired" | "revalidate" | "bypass";
};

/** The entrypoint, and who calls it. */
export type EntrypointOptions = {
  /** The data centre of the visitor. Left out: that of the code that calls. */
  readonly dataCenter?: string;
  /** The deployed version of the Worker (W4). Left out: "1". */
  readonly version?: string;
  /** `ctx.props` (W3). Left out: none. */
  readonly props?: unknown;
  /** Its name in `ctx.exports` (W3). Left out: `Renditions`. */
  readonly name?: string;
};

/**
 * Cloudflare's Workers Cache in front of entrypoints.
 * @example
 * const cache: Cache = createCache();
 * expect(cache.runs).toHaveLength(0);
 */
export type Cache = {
  /** May be changed at any time. */
  readonly switches: CacheSwitches;
  /**
   * The `ctx.exports.Renditions` of a gateway. Without options, of the first version.
   * @param create returns the instance for one run. Its parameter may have the runtime's type: it gets `RunContext`
   */
  entrypoint<Context = RunContext>(
    create: (context: Context) => Entrypoint,
    options?: EntrypointOptions,
  ): CachedEntrypoint;
  /** Where the running code is (W5), and whether a loopback called it (W13). */
  where(): RunLocation;
  /** Returns whether the edge transforms for the running code, by the switch `loopback` (W13). */
  transforms(): boolean;
  /** Runs code, for example a gateway, in a data centre. */
  at<Value>(dataCenter: string, work: () => Value): Value;
  /** The runs of the entrypoint's `fetch`, in order. */
  readonly runs: readonly Run[];
  /**
   * Waits for what goes on after the answers. Fails if work of an entrypoint's `waitUntil` failed, or if it answered
   * 304 where the cache did not ask for that (W18).
   */
  settled(): Promise<void>;
};

const SETTINGS = { now: optional(call<() => number>()) };

/** All that a cache has: its switches, its tiers, and what happened in it. */
type CacheState = {
  readonly now: () => number;
  readonly switches: CacheSwitches;
  readonly runs: Run[];
  /** Work that goes on after the answers. `settled` waits for it. */
  readonly backgroundWork: Promise<unknown>[];
  /** Returns whether the rate limit allows one more purge (W10). */
  readonly mayPurge: (now: number) => boolean;
  readonly upperTier: Tier;
  /** A tier for each data centre, made when its first visitor comes. */
  readonly tiers: Map<string, Tier>;
};

/** An entrypoint as `cache.entrypoint` got it. */
type CachedTarget = {
  readonly name: string;
  readonly version: string;
  readonly props: unknown;
  /** Undefined: the data centre of the code that calls. */
  readonly dataCenter: string | undefined;
  /** Creates an instance, with a context of its own. */
  readonly build: () => Entrypoint;
};

/**
 * Creates an empty Workers Cache. It stores the responses of entrypoints, as production does.
 * @throws {TypeError} if a setting is wrong or unknown
 * @example
 * const cache = createCache();
 * const Pages = cache.entrypoint((context: ExecutionContext) => new MyPages(context, env));
 */
export function createCache(settings: CacheSettings = {}): Cache {
  checkSettings("createCache", settings, SETTINGS, SWITCHES);
  const { now = Date.now, ...changed } = settings;
  const state: CacheState = {
    now,
    switches: { ...STRICT, ...definedOf(changed) },
    runs: [],
    backgroundWork: [],
    mayPurge: createPurgeLimit(now()),
    upperTier: createTier({
      now,
      next: (cacheRequest, old) => runAfterMiss(state, cacheRequest, old),
      addBackgroundWork: (work) => addBackgroundWork(state, work),
    }),
    tiers: new Map(),
  };

  return {
    switches: guardSwitches(state.switches, SWITCHES),
    entrypoint: (create, options) => cachedEntrypoint(state, create, options),
    where: currentLocation,
    transforms: () => canTransformAt(currentLocation(), state.switches.loopback),
    at(dataCenter, work) {
      return runAt({ isBehindCache: false, isBackground: false, dataCenter }, work);
    },
    runs: state.runs,
    async settled() {
      const { backgroundWork } = state;
      // Work that ends may have started more work.
      while (backgroundWork.length > 0) await Promise.all(backgroundWork.splice(0));
    },
  };
}

/** Puts the cache in front of an entrypoint: what `ctx.exports.NAME` is. */
function cachedEntrypoint<Context>(
  state: CacheState,
  create: (context: Context) => Entrypoint,
  options: EntrypointOptions = {},
): CachedEntrypoint {
  const { name = "Renditions", version = "1", props, dataCenter } = options;
  const context: RunContext = {
    waitUntil: (work) => addBackgroundWork(state, work),
    cache: { purge: (purgeOptions) => purge(state, name, purgeOptions) },
  };
  const target: CachedTarget = {
    name,
    version,
    props,
    dataCenter,
    // Each run has a context of its own. It is untyped, because a test may name the runtime's larger type for it.
    build: () => create(Object.assign(Object.create(null), context)),
  };

  return {
    fetch(input, init) {
      const request = typeof input === "string" ? new Request(input, init) : input;
      return unlessAborted(fetchThroughCache(state, target, request), request.signal);
    },
    purge: (purgeOptions) => callPurge(target, purgeOptions),
  };
}

/** Answers a request with a stored response, or with that of a new run. */
async function fetchThroughCache(
  state: CacheState,
  target: CachedTarget,
  request: Request,
): Promise<Response> {
  const { switches, now } = state;
  const { build, name } = target;
  const dataCenter = dataCenterOf(target);

  if (!switches.enabled) return run(state, build, request, { dataCenter, reason: "bypass" });
  if (!["GET", "HEAD"].includes(request.method)) {
    const response = await run(state, build, request, { dataCenter, reason: "bypass" });
    return writeResponse({ status: "BYPASS", response }, request, now());
  }

  const key = cacheKey(request, target, switches);
  const tier = tierOf(state, dataCenter);
  const result = await handle(tier, { key, name, request, build, dataCenter });
  return writeResponse(result, request, now());
}

/** Calls the method `purge` of an entrypoint. A method is never cached (W1). */
function callPurge(target: CachedTarget, options: PurgeOptions): Promise<PurgeResult> {
  const location = {
    isBehindCache: true,
    isBackground: false,
    dataCenter: dataCenterOf(target),
  };

  return runAt(location, async () => {
    const instance = target.build();
    if (instance.purge === undefined) throw new TypeError(`${target.name} has no method "purge".`);
    return instance.purge(options);
  });
}

function dataCenterOf(target: CachedTarget): string {
  return target.dataCenter ?? currentLocation().dataCenter;
}

function tierOf(state: CacheState, dataCenter: string): Tier {
  const existing = state.tiers.get(dataCenter);
  if (existing !== undefined) return existing;

  const tier = createTier({
    now: state.now,
    // Assumed: the upper tier, too, runs the entrypoint once for requests that come together (W6).
    next: (cacheRequest) => handle(state.upperTier, cacheRequest),
    addBackgroundWork: (work) => addBackgroundWork(state, work),
  });
  state.tiers.set(dataCenter, tier);
  return tier;
}

/** Runs the entrypoint after a miss in both tiers (W5). */
async function runAfterMiss(
  state: CacheState,
  cacheRequest: CacheRequest,
  old: StoredResponse | undefined,
): Promise<TierResult> {
  const { switches, now } = state;
  const { build, request } = cacheRequest;
  const dataCenter = switches.runsIn === "upper" ? "upper" : cacheRequest.dataCenter;
  const reason = runReason(cacheRequest, old);

  const forwarded = forwardedRequest(request, old);
  const response = await run(state, build, forwarded, { dataCenter, reason });
  return readResponse(response, cacheRequest, old, now);
}

function runReason(
  { ignoresStored, isBackground }: CacheRequest,
  old: StoredResponse | undefined,
): Run["reason"] {
  if (ignoresStored) return "bypass";
  if (isBackground) return "revalidate";
  return old === undefined ? "miss" : "expired";
}

/** Runs the entrypoint. @throws if it answers 304 where the cache did not ask for that (W18) */
async function run(
  state: CacheState,
  build: () => Entrypoint,
  request: Request,
  details: Omit<Run, "url">,
): Promise<Response> {
  const { dataCenter, reason } = details;
  state.runs.push({ url: request.url, dataCenter, reason });

  const location = { isBehindCache: true, isBackground: reason === "revalidate", dataCenter };
  const response = await runAt(location, async () => build().fetch(request));

  const unexpected304 = find304Mistake(request, response);
  if (unexpected304 === undefined) return response;

  // Nobody may see the error of a run in the background: `settled` reports it.
  addBackgroundWork(state, Promise.reject(new Error(unexpected304)));
  throw new Error(unexpected304);
}

function addBackgroundWork(state: CacheState, work: Promise<unknown>): void {
  work.catch(() => {}); // `settled` reports it
  state.backgroundWork.push(work);
}

/** Purges all tiers. A response that is on its way at this moment is stored afterwards: nothing rules that out (W10). */
async function purge(state: CacheState, name: string, options: PurgeOptions): Promise<PurgeResult> {
  const refusal = purgeRefusalOf(options, state.mayPurge(state.now()));
  if (refusal !== undefined) return refusal;

  const matches = purgeFilter(name, options);
  purgeTier(state.upperTier, matches);
  for (const tier of state.tiers.values()) purgeTier(tier, matches);
  return { success: true, errors: [] };
}

/** Returns whether the edge transforms for code that runs there (W13). */
function canTransformAt(location: RunLocation, loopback: CacheSwitches["loopback"]): boolean {
  const { isBehindCache, isBackground, dataCenter } = location;
  if (!isBehindCache) return true;

  switch (loopback) {
    case "transformed":
      return true;
    case "forgotten":
      return false;
    case "not-in-background":
      return !isBackground;
    case "not-in-upper-tier":
      return dataCenter !== "upper";
  }
}

/** Request headers that an app may build its answer from. They are in the key, or they would poison a cache (W3). */
const POISONOUS = [
  "cloudflare-workers-version-key",
  "forwarded",
  "x-forwarded-host",
  "x-forwarded-scheme",
  "x-host",
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-original-url",
  "x-rewrite-url",
];

/** Returns the key. Neither the host, nor the method, nor another header is in it (W3). */
function cacheKey(request: Request, target: CachedTarget, switches: CacheSwitches): string {
  const { pathname, search } = new URL(request.url);
  const customKey: unknown = Object(Object(request).cf).cacheKey;
  const resource = typeof customKey === "string" ? { customKey } : { path: pathname + search };

  const props = target.props ?? null;
  const version = switches.crossVersion ? null : target.version; // one cache for all versions (W4)
  const poisonous = POISONOUS.map((header) => request.headers.get(header));
  return JSON.stringify([target.name, resource, props, version, poisonous]);
}
