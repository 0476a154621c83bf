// Cloudflare's Workers Cache in front of an entrypoint, as strict as in production (W1 to W18). docs/rules.md has the
// rules. This file shows the steps of a request.

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
import { find304Mistake, forwardedRequest, readResponse, writeResponse } from "./http.ts";
import { createPurgeLimit, purgeFilter, purgeRefusalOf } from "./purge.ts";
import type { StoredResponse } from "./stored-response.ts";
import { type CacheRequest, createTier, type Tier } from "./tier.ts";

/**
 * What is unknown of Workers Cache, or is set in wrangler.toml. The strict values are what wrangler.toml of this project
 * asks for; for an open question, the answer that costs more.
 */
export const SWITCHES = {
  /** W1, W2. Whether the entrypoint has a cache: `[cache] enabled`, or its own in `[exports.NAME]`. */
  enabled: switchOf(flag, true),
  /** W4. `[cache] cross_version_cache`: with it, the key lacks the version. */
  crossVersion: switchOf(flag, true),
  /** W5, open: where the entrypoint runs after a miss in both tiers. */
  runsIn: switchOf(oneOf("upper", "visitor"), "visitor"),
  /**
   * W13, open: whether the edge transforms behind a loopback. In workerd it does. `forgotten`: never;
   * `not-in-background`: not where nobody waits for the response (W8); `not-in-upper-tier`: not where the entrypoint
   * runs in the upper tier (W5). The cache does not play this itself: a test's edge asks `transforms()`.
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
 * A run of the entrypoint, and its reason: nothing is stored, the response is too old or revalidated, the cache is bypassed.
 * @example
 * expect(cache.runs.map(({ reason }: Run) => reason)).toEqual(["miss", "expired"]);
 */
export type Run = {
  readonly url: string;
  readonly dataCenter: string;
  readonly reason: "miss" | "expired" | "revalidate" | "bypass";
};

/** The entrypoint, and who calls it. */
export type EntrypointOptions = {
  /** The data centre of the visitor. By default that of the code that calls. */
  readonly dataCenter?: string;
  /** The deployed version of the Worker (W4). */
  readonly version?: string;
  /** `ctx.props` (W3). */
  readonly props?: unknown;
  /** Its name in `ctx.exports` (W3). */
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
  const switches: CacheSwitches = { ...STRICT, ...definedOf(changed) };
  const runs: Run[] = [];
  const background: Promise<unknown>[] = [];
  const addBackgroundWork = (work: Promise<unknown>): void => {
    work.catch(() => {}); // `settled` reports it
    background.push(work);
  };
  const mayPurge = createPurgeLimit(now());
  const tiers = new Map<string, Tier>();
  const common = { now, addBackgroundWork };
  const upper = createTier({ ...common, next: runAfterMiss });

  function tierAt(dataCenter: string): Tier {
    // W6, assumed: the upper tier, too, runs the entrypoint once for requests that come together.
    const tier = tiers.get(dataCenter) ?? createTier({ ...common, next: upper.handle });
    tiers.set(dataCenter, tier);
    return tier;
  }

  async function run(
    build: () => Entrypoint,
    request: Request,
    details: Omit<Run, "url">,
  ): Promise<Response> {
    runs.push({ url: request.url, ...details });
    const isBackground = details.reason === "revalidate";
    const at = { isBehindCache: true, isBackground, dataCenter: details.dataCenter };
    const response = await runAt(at, async () => build().fetch(request));
    const unexpected304 = find304Mistake(request, response);
    if (unexpected304 === undefined) return response;
    addBackgroundWork(Promise.reject(new Error(unexpected304)));
    throw new Error(unexpected304);
  }

  /** Runs the entrypoint after a miss in both tiers (W5). */
  async function runAfterMiss(cacheRequest: CacheRequest, old: StoredResponse | undefined) {
    const { build, ignoresStored, isBackground } = cacheRequest;
    const dataCenter = switches.runsIn === "upper" ? "upper" : cacheRequest.dataCenter;
    const missReason = old === undefined ? "miss" : "expired";
    const ownReason = isBackground ? "revalidate" : missReason;
    const reason = ignoresStored ? "bypass" : ownReason;
    const forwarded = forwardedRequest(cacheRequest.request, old);
    const response = await run(build, forwarded, { dataCenter, reason });
    return readResponse(response, cacheRequest, old, now);
  }

  /** W10. A response that is on its way at this moment is stored afterwards: nothing rules that out. */
  async function purge(name: string, options: PurgeOptions): Promise<PurgeResult> {
    const refusal = purgeRefusalOf(options, mayPurge(now()));
    if (refusal !== undefined) return refusal;
    const matches = purgeFilter(name, options);
    for (const tier of [upper, ...tiers.values()]) tier.purge(matches);
    return { success: true, errors: [] };
  }

  function entrypoint<Context>(
    create: (context: Context) => Entrypoint,
    options: EntrypointOptions = {},
  ): CachedEntrypoint {
    const { name = "Renditions", version = "1", props } = options;
    const cache = { purge: (purgeOptions: PurgeOptions) => purge(name, purgeOptions) };
    const context: RunContext = { waitUntil: addBackgroundWork, cache };
    const build = () => create(Object.assign(Object.create(null), context));
    const dataCenterNow = () => options.dataCenter ?? currentLocation().dataCenter;

    async function fetch(request: Request): Promise<Response> {
      const at = { dataCenter: dataCenterNow() };
      if (!switches.enabled || !["GET", "HEAD"].includes(request.method)) {
        const response = await run(build, request, { ...at, reason: "bypass" });
        return switches.enabled
          ? writeResponse({ status: "BYPASS", response }, request, now())
          : response;
      }
      const key = cacheKey(request, { name, props, ...(!switches.crossVersion && { version }) });
      const answer = await tierAt(at.dataCenter).handle({ key, name, request, build, ...at });
      return writeResponse(answer, request, now());
    }

    const serve = (request: Request) => unlessAborted(fetch(request), request.signal);
    return {
      fetch: (input, init) => serve(typeof input === "string" ? new Request(input, init) : input),
      purge: (options) =>
        runAt(
          { isBehindCache: true, isBackground: false, dataCenter: dataCenterNow() },
          async () => {
            const callee = build(); // W1: a method is not cached
            if (callee.purge === undefined) throw new TypeError(`${name} has no method "purge".`);
            return callee.purge(options);
          },
        ),
    };
  }

  return {
    switches: guardSwitches(switches, SWITCHES),
    entrypoint,
    where: currentLocation,
    transforms: () => canTransformAt(currentLocation(), switches.loopback),
    at: (dataCenter, work) =>
      runAt({ isBehindCache: false, isBackground: false, dataCenter }, work),
    runs,
    async settled() {
      while (background.length > 0) await Promise.all(background.splice(0));
    },
  };
}

/** Returns whether the edge transforms for code that runs there (W13). */
function canTransformAt(location: RunLocation, loopback: CacheSwitches["loopback"]): boolean {
  const { isBehindCache, isBackground } = location;
  if (!isBehindCache) return true;

  switch (loopback) {
    case "transformed":
      return true;
    case "forgotten":
      return false;
    case "not-in-background":
      return !isBackground;
    case "not-in-upper-tier":
      return location.dataCenter !== "upper";
  }
}

/** W3. Request headers that an app may build its answer from, so that they would poison a cache. */
const POISONOUS = [
  ...["cloudflare-workers-version-key", "forwarded", "x-forwarded-host", "x-forwarded-scheme"],
  ...["x-host", "x-http-method", "x-http-method-override", "x-method-override"],
  ...["x-original-url", "x-rewrite-url"],
];

/**
 * Returns the key: neither the host, nor the method, nor another header is in it (W3).
 * @param options without a version where the cache is that of all versions (W4)
 */
function cacheKey(request: Request, { name, props, version }: EntrypointOptions): string {
  const { pathname, search } = new URL(request.url);
  const customKey: unknown = Object(Object(request).cf).cacheKey;
  const resource = typeof customKey === "string" ? { customKey } : { path: pathname + search };
  const poison = POISONOUS.map((header) => request.headers.get(header));
  return JSON.stringify([name, resource, props ?? null, version, poison]);
}
