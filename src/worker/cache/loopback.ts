// The way from the gateway to the cached entrypoint `Renditions`, which Cloudflare calls a loopback: a fetch of a
// rendition with a deadline. The entrypoint may be missing (W15), fail, or the edge may not transform behind it (W13). Then
// the gateway renders by itself. A fault changes nothing for the next request: an isolate with too much to do fails now and
// then, and without its cache, it would have even more to do. Codes such as W15 are rules of docs/rules.md.

import { type Answers, lifetimesOf } from "../config/answers.ts";
import type { Bucket } from "../config/bucket.ts";
import type { Config } from "../config/config.ts";
import type { Refusal } from "../http/refusal.ts";
import { type Context, cancelBody, type RequestScope } from "../http/send.ts";
import { type CacheState, logNotice } from "../log/log.ts";
import { countForLog, type LogCount, TIMED_OUT, withTimeout } from "../util/time.ts";
import { cacheStateOf, type RenderResult, readCachedAnswer } from "./cached-answer.ts";
import {
  type EngineEvent,
  type EngineMode,
  mayUseEntrypoint,
  nextMode,
  START_MODE,
} from "./engine-mode.ts";
import { idAt, type RenditionIds, renditionUrl } from "./rendition-url.ts";

/**
 * The entrypoint `Renditions`, with Cloudflare's cache in front of its `fetch` (W1). Its class is in index.ts, and its
 * steps are in renditions.ts.
 */
export type Loopback = {
  fetch(request: Request | string, init?: RequestInit): Promise<Response>;
  /** Purges renditions everywhere, within seconds (W10). Never cached itself (W1). */
  purge(options: PurgeOptions): Promise<PurgeResult>;
};

/** The runtime's context of a request to the gateway. */
export type GatewayContext = Context & {
  /** Absent before the compatibility date 2025-11-17 (W15). */
  readonly exports?: { readonly Renditions?: Loopback };
};

/** One visitor's request, as the gateway knows it. */
export type GatewayScope = RequestScope & {
  readonly env: object;
  readonly config: Config;
  readonly context: GatewayContext;
  /** The visitor's `If-None-Match`. */
  readonly condition: string | null;
};

/** A rendition or a refusal, and where the answer came from. */
export type CacheResult = {
  readonly result: RenderResult;
  readonly cache: CacheState;
  /** For how long Workers Cache has had a refusal: s. */
  readonly age?: number;
};

/** The gateway may succeed where the entrypoint did not. */
type NoCacheResult = {
  readonly result?: undefined;
  readonly cache?: undefined;
  readonly loopbackFailure: LoopbackFailure;
};

/** Why the cached entrypoint gives no rendition, although the gateway may make one. */
type LoopbackFailure =
  /** It threw, did not answer in time, or answered something else. */
  | "unusable"
  /** The edge did not transform for it. */
  | "not-transformed"
  /** A picture must be made, and the gateway makes them all. */
  | "no-engine";

/** The header with the time that the visitor still waits: ms. No header is part of the cache key (W3). */
const TIME_LEFT_HEADER = "vitrine-left";

/**
 * The header by which the gateway keeps the engine to itself. With it, the entrypoint shows what is cached, unchanged or
 * stored. Where a picture must be made, it refuses, and does not ask the edge.
 */
const NO_ENGINE_HEADER = "vitrine-no-engine";

/** How much earlier the cached entrypoint gives up, so that its reason arrives in time: ms. */
const LEAD_MS = 100;

/** For how long the gateway can still render itself if the entrypoint does not answer: ms. */
const OWN_RUN_MS = 2_000;

/** With less time than this, the entrypoint gets all of it: ms. */
const MIN_TIME_FOR_TWO_MS = 10_000;

/**
 * Fetches a rendition from the cached entrypoint, whatever happened to earlier requests.
 * @returns undefined if there is no cache
 */
export async function fetchCached(
  ids: RenditionIds,
  scope: GatewayScope,
): Promise<CacheResult | NoCacheResult | undefined> {
  const { env, config, context, deadline } = scope;
  const now = Date.now();

  // The configuration wants no cache for the route.
  const [first] = ids;
  const { keep } = lifetimesOf(first, config.answers);
  if (keep === 0) return undefined;

  const loopback = context.exports?.Renditions;
  if (!loopback) {
    reportUnusable(env, "ctx.exports is missing", now);
    return undefined;
  }

  // Where the gateway makes the pictures of this isolate, one request a minute tries the entrypoint.
  const mode = modeOf(env);
  const usesEngine = mayUseEntrypoint(mode, now);
  const isProbe = mode.kind === "gateway" && usesEngine;
  if (isProbe) learn(env, { type: "probe-sent", now });

  const timeLeft = deadline - now;
  const timeForLoopback = timeLeft < MIN_TIME_FOR_TWO_MS ? timeLeft : timeLeft - OWN_RUN_MS;
  const cached = await fetchInTime(loopback, ids, { env, timeLeft: timeForLoopback, usesEngine });

  if (isProbe) {
    const isRendered = cached.result?.kind === "rendition" && cached.cache === "miss";
    learn(env, { type: isRendered ? "entrypoint-rendered" : "probe-unclear" });
  }
  return cached;
}

type FetchOptions = {
  readonly env: object;
  /** For how long the entrypoint is waited for: ms. */
  readonly timeLeft: number;
  /** Whether the entrypoint may make a picture. */
  readonly usesEngine: boolean;
};

async function fetchInTime(
  loopback: Loopback,
  ids: RenditionIds,
  options: FetchOptions,
): Promise<CacheResult | NoCacheResult> {
  const { env, timeLeft } = options;
  const fetching = fetchAndRead(loopback, ids, options);
  try {
    const cached = await withTimeout(timeLeft, fetching);
    if (cached !== TIMED_OUT) return cached;

    // Nobody reads the bytes of a rendition that comes too late.
    fetching.then(cancelResult).catch(() => {});
    return { loopbackFailure: "unusable" };
  } catch (error) {
    return loopbackFailed(env, `the cached entrypoint failed: ${error}`);
  }
}

async function fetchAndRead(
  loopback: Loopback,
  ids: RenditionIds,
  { env, timeLeft, usesEngine }: FetchOptions,
): Promise<CacheResult | NoCacheResult> {
  // Workers Cache answers; where it has nothing fresh, answerRendition of renditions.ts does.
  const headers = {
    [TIME_LEFT_HEADER]: `${Math.max(0, timeLeft - LEAD_MS)}`,
    ...(!usesEngine && { [NO_ENGINE_HEADER]: "1" }),
  };
  const answer = await loopback.fetch(renditionUrl(ids), { headers });

  const [{ formats }] = ids;
  const expectsFacts = formats === "facts";
  const result = await readCachedAnswer(answer, expectsFacts);
  if (!result) {
    cancelBody(answer.body); // that of a wrong type was not read
    return loopbackFailed(env, "the cached entrypoint answers something else");
  }

  const cache = cacheStateOf(answer);
  if (result.kind !== "refusal") return { result, cache };

  const age = Number(answer.headers.get("age")) || 0; // no header: the refusal is new
  const { bucket } = idAt(ids, result.objectIndex);
  if (!mayBeOfLoopback(result.refusal, bucket)) return { result, cache, age };

  return { loopbackFailure: usesEngine ? "not-transformed" : "no-engine" };
}

/**
 * Returns whether the gateway may succeed where the cached entrypoint was refused: the edge may not transform for a
 * Worker that another Worker calls, even if both are the same (E9, W13). Either it does nothing, or it refuses. Any other
 * failure is about the object or the origin, and would be the same in the gateway. So is any failure of
 * the Images binding.
 */
function mayBeOfLoopback({ event }: Refusal, { engine }: Bucket): boolean {
  if (engine === "binding") return false;
  return event === "not-transformed" || event === "edge-refused";
}

function cancelResult({ result }: CacheResult | NoCacheResult): void {
  if (result?.kind === "rendition") cancelBody(result.rendition.body);
}

/** The entrypoint has failed. The gateway renders for this request, and nothing is remembered except for the log. */
function loopbackFailed(env: object, reason: string): NoCacheResult {
  reportUnusable(env, reason, Date.now());
  return { loopbackFailure: "unusable" };
}

/**
 * Learns that the gateway has made a picture that the entrypoint could not make.
 * @param cached what the entrypoint gave
 */
export function reportUncachedRender(env: object, cached: NoCacheResult | undefined): void {
  // After any other failure, the edge may well transform for the entrypoint.
  if (cached?.loopbackFailure !== "not-transformed") return;

  const now = Date.now();
  learn(env, { type: "only-gateway-rendered", now });
  reportUnusable(env, "the edge does not transform behind it", now);
}

/** What a run of the cached entrypoint is asked to do. */
export type RunOptions = {
  /** Until when it may take: ms since 1970. */
  readonly deadline: number;
  /** Whether it may make a picture. */
  readonly usesEngine: boolean;
};

/**
 * Reads what the gateway asks of a run of the cached entrypoint.
 * @param now when the run began: ms since 1970
 */
export function readRunOptions(headers: Headers, answers: Answers, now: number): RunOptions {
  const usesEngine = !headers.has(NO_ENGINE_HEADER);
  const timeoutMs = answers.timeout * 1000;
  const header = headers.get(TIME_LEFT_HEADER);
  if (header === null) return { deadline: now + timeoutMs, usesEngine };

  // No visitor waits for longer than the timeout. A header that is no number gives NaN, and is not valid.
  const timeLeft = Number(header);
  const isValid = timeLeft >= 0 && timeLeft < timeoutMs;
  return { deadline: now + (isValid ? timeLeft : timeoutMs), usesEngine };
}

/** The mode of each isolate. By `env`, which is one object in each isolate. */
const modes = new WeakMap<object, EngineMode>();

function modeOf(env: object): EngineMode {
  return modes.get(env) ?? START_MODE;
}

function learn(env: object, event: EngineEvent): void {
  modes.set(env, nextMode(modeOf(env), event));
}

const unusableCounts = new WeakMap<object, LogCount>();

/** Logs once a minute that the gateway had to render itself. */
function reportUnusable(env: object, reason: string, now: number): void {
  const { times, shouldLog, logCount } = countForLog(unusableCounts.get(env), now);
  unusableCounts.set(env, logCount);
  if (shouldLog) logNotice({ event: "cache-unusable", reason, times });
}

/** What to purge from the cache of an entrypoint (W10). */
export type PurgeOptions = { readonly tags?: string[]; readonly purgeEverything?: boolean };

export type PurgeResult = {
  readonly success: boolean;
  readonly errors: readonly { readonly code: number; readonly message: string }[];
};

/** The error of a purge where nothing is cached (W15). No error of Cloudflare has this message. */
export const NO_CACHE = {
  code: 0,
  message: "there is no Workers Cache: see [cache] in wrangler.toml",
} as const;
