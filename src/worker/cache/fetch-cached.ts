// Asks the cached entrypoint for a rendition, until a deadline.

import { isRefusal, type Refusal } from "../http/refusal.ts";
import { cancelBody } from "../http/send.ts";
import type { CacheState } from "../log/log.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";
import { cacheStateOf, type NamedRendition, readCachedAnswer } from "./cached-answer.ts";
import type { Loopback } from "./loopback.ts";
import { type RenditionKeys, renditionUrl } from "./rendition-url.ts";

/** The header that tells how long the visitor still waits: ms. No header is part of the cache key (W3). */
export const TIME_LEFT = "vitrine-left";

/** A rendition or a refusal, and where it came from. */
export type Obtained = {
  readonly result: NamedRendition | Refusal;
  readonly cache: CacheState;
  /** For how long the cache has had it: s. */
  readonly age?: number;
};

/** The same, and how the cached entrypoint itself may be the reason of the refusal. */
type Cached = Obtained & { readonly loopbackFailure?: string };

/** How much earlier the cached entrypoint gives up, so that its reason arrives in time: ms. */
const LEAD_MS = 100;

/** @param deadline until when the visitor waits: ms since 1970 */
export async function fetchCached(
  loopback: Loopback,
  keys: RenditionKeys,
  { deadline }: { readonly deadline: number },
): Promise<Cached> {
  const left = deadline - Date.now();
  const headers = { [TIME_LEFT]: `${Math.max(0, left - LEAD_MS)}` };
  const fetching = fetchAndRead(loopback, keys, headers);
  try {
    const cached = await withTimeout(left, fetching);
    if (cached !== TIMED_OUT) return cached;
    fetching
      .then(({ result }) => cancelBody(isRefusal(result) ? null : result.body))
      .catch(() => {});
    return { result: { event: "timed-out", reason: "no rendition in time" }, cache: "miss" };
  } catch (error) {
    return failed(`the cached entrypoint failed: ${error}`);
  }
}

async function fetchAndRead(
  loopback: Loopback,
  keys: RenditionKeys,
  headers: Readonly<Record<string, string>>,
): Promise<Cached> {
  const answer = await loopback.fetch(renditionUrl(keys), { headers });
  const result = await readCachedAnswer(answer, keys[0].formats === "facts");
  if (result === undefined) {
    cancelBody(answer.bodyUsed ? null : answer.body);
    return failed("the cached entrypoint answers something else");
  }
  const cache = cacheStateOf(answer);
  if (!isRefusal(result)) return { result, cache };
  const age = Number(answer.headers.get("age")) || 0;
  // The edge may not transform what one Worker asks for another, also if both are the same (E9, W13).
  const isForgotten = result.event === "not-transformed" || result.event === "edge-refused";
  const loopbackFailure = "the edge does not transform behind it";
  return { result, cache, age, ...(isForgotten && { loopbackFailure }) };
}

function failed(loopbackFailure: string): Cached {
  return {
    result: { event: "edge-failed", reason: loopbackFailure },
    cache: "miss",
    loopbackFailure,
  };
}
