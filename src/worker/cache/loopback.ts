// The way from the gateway to the cached entrypoint `Renditions`, which Cloudflare calls a loopback: a fetch of a
// rendition with a deadline. The entrypoint may be missing (W15), or the edge may not transform behind it (W13). Then
// the gateway renders by itself. Codes such as W15 are rules of docs/rules.md.

import type { Answers, Config } from "../config/config.ts";
import { detailsOf, type Refusal } from "../http/refusal.ts";
import { type Context, cancelBody, type RequestScope } from "../http/send.ts";
import { type CacheState, logNotice } from "../log/log.ts";
import { isWithin, TIMED_OUT, withTimeout } from "../util/time.ts";
import { cacheStateOf, type RenderResult, readCachedAnswer } from "./cached-answer.ts";
import { type RenditionIds, renditionUrl } from "./rendition-url.ts";

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
  /** Set if the refusal may be a failure of the loopback itself: the gateway may succeed without it. */
  readonly loopbackFailure?: string;
};

/** The header with the time that the visitor still waits: ms. No header is part of the cache key (W3). */
const TIME_LEFT_HEADER = "vitrine-left";

/** How much earlier the cached entrypoint gives up, so that its reason arrives in time: ms. */
const LEAD_MS = 100;

/**
 * Fetches a rendition from the cached entrypoint.
 * @returns undefined if there is no cache, or if it has failed in the last minutes
 */
export async function fetchCached(
  ids: RenditionIds,
  scope: GatewayScope,
): Promise<CacheResult | undefined> {
  const { env, config, context, deadline } = scope;
  const now = Date.now();
  if (config.answers.keep === 0) return undefined; // the configuration wants no cache
  if (!isUsable(env, now)) return undefined;

  const loopback = context.exports?.Renditions;
  if (!loopback) {
    reportUnusable(env, "ctx.exports is missing", now);
    return undefined;
  }

  const timeLeft = deadline - now;
  const fetching = fetchAndRead(loopback, ids, timeLeft);
  try {
    const cached = await withTimeout(timeLeft, fetching);
    if (cached !== TIMED_OUT) return cached;

    // Nobody reads the bytes of a rendition that comes too late.
    fetching.then(cancelResult).catch(() => {});
    return refuse({ event: "timed-out", reason: "no rendition in time" });
  } catch (error) {
    return loopbackFailed(`the cached entrypoint failed: ${error}`);
  }
}

/**
 * @param timeLeft for how long the visitor still waits: ms
 * @returns perhaps with a `loopbackFailure`. The caller of fetchCached then calls reportUnusable, if it can render itself
 */
async function fetchAndRead(
  loopback: Loopback,
  ids: RenditionIds,
  timeLeft: number,
): Promise<CacheResult> {
  // Workers Cache answers; where it has nothing fresh, answerRendition of renditions.ts does.
  const headers = { [TIME_LEFT_HEADER]: `${Math.max(0, timeLeft - LEAD_MS)}` };
  const answer = await loopback.fetch(renditionUrl(ids), { headers });

  const [{ formats }] = ids;
  const expectsFacts = formats === "facts";
  const result = await readCachedAnswer(answer, expectsFacts);
  if (!result) {
    if (!answer.bodyUsed) cancelBody(answer.body); // an answer of a wrong type was not read
    return loopbackFailed("the cached entrypoint answers something else");
  }

  const cache = cacheStateOf(answer);
  if (result.kind !== "refusal") return { result, cache };

  const age = Number(answer.headers.get("age")) || 0; // no header: the refusal is new
  if (!mayBeOfLoopback(result.refusal)) return { result, cache, age };

  // "it" is the cached entrypoint.
  return { result, cache, age, loopbackFailure: "the edge does not transform behind it" };
}

/**
 * Returns whether the gateway may succeed where the cached entrypoint was refused: the edge may not transform for a
 * Worker that another Worker calls, even if both are the same (E9, W13). Either it does nothing, or it does not allow the
 * origin (9401). Any other code is about the request or the object, and would be the same in the gateway.
 */
function mayBeOfLoopback(refusal: Refusal): boolean {
  const { event, edgeCode } = detailsOf(refusal);
  return event === "not-transformed" || edgeCode === "9401";
}

function cancelResult({ result }: CacheResult): void {
  if (result.kind === "rendition") cancelBody(result.rendition.body);
}

function refuse(refusal: Refusal): CacheResult {
  return { result: { kind: "refusal", refusal, objectIndex: 0 }, cache: "miss" };
}

function loopbackFailed(reason: string): CacheResult {
  return { ...refuse({ event: "edge-failed", reason }), loopbackFailure: reason };
}

/**
 * Returns until when a run of the cached entrypoint may take: ms since 1970.
 * @param now when it began: ms since 1970
 */
export function readDeadline(headers: Headers, answers: Answers, now: number): number {
  const timeoutMs = answers.timeout * 1000;
  const header = headers.get(TIME_LEFT_HEADER);
  if (header === null) return now + timeoutMs;

  // No visitor waits for longer than the timeout. A header that is no number gives NaN, and is not valid.
  const timeLeft = Number(header);
  const isValid = timeLeft >= 0 && timeLeft < timeoutMs;
  return now + (isValid ? timeLeft : timeoutMs);
}

/** For how long the gateway renders everything itself, once the cached entrypoint has failed: ms. */
const UNUSABLE_MS = 600_000;

/** When the cached entrypoint failed last: ms since 1970. By `env`, which is one object in each isolate. */
const unusableAt = new WeakMap<object, number>();

function isUsable(env: object, now: number): boolean {
  return !isWithin(UNUSABLE_MS, unusableAt.get(env), now);
}

/** Remembers that the cached entrypoint cannot be used. Logs it, unless it is known already. */
export function reportUnusable(env: object, reason: string, now: number): void {
  if (isUsable(env, now)) logNotice({ event: "cache-unusable", reason });
  unusableAt.set(env, now);
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
