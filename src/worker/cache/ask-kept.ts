// Asks the cached entrypoint for a rendition, until a deadline.

import type { CacheState } from "../base/log.ts";
import { isRefusal, type Refusal } from "../base/refusal.ts";
import { drop } from "../base/send.ts";
import { LATE, within } from "../base/time-limit.ts";
import type { Rendition } from "../edge/rendition.ts";
import type { Reads } from "../request/format.ts";
import { AS_FALLBACK, TIME_LEFT } from "./gateway-headers.ts";
import type { Loopback } from "./loopback.ts";
import { cacheStateOf, readImage, readKeptFacts, readRefusal } from "./read-kept.ts";
import { renditionUrl, type Wanted } from "./rendition-url.ts";

/** A rendition or a refusal, and where it came from. */
export type Obtained = {
  readonly made: Rendition | Refusal;
  readonly cache: CacheState;
  /** For how long the cache has had it: s. */
  readonly age?: number;
};

/** The same, or why the cached entrypoint may be the reason of the refusal. */
type Kept = Obtained & { readonly doubt?: string };

/** How much earlier the cached entrypoint gives up, so that its reason arrives in time: ms. */
const LEAD_MS = 100;

/**
 * @param deadline until when the visitor waits: ms since 1970
 * @param isFallback whether no visitor asked for the object
 */
export async function askKept(
  loopback: Loopback,
  wanted: Wanted,
  { deadline, isFallback }: { readonly deadline: number; readonly isFallback?: boolean },
): Promise<Kept> {
  const left = deadline - Date.now();
  const headers = {
    [TIME_LEFT]: `${Math.max(0, left - LEAD_MS)}`,
    ...(isFallback && { [AS_FALLBACK]: "1" }),
  };
  const request = new Request(renditionUrl(wanted), { headers });
  const asked = ask(loopback, request, wanted.reads);
  try {
    const kept = await within(left, asked);
    if (kept !== LATE) return kept;
    asked.then(({ made }) => drop(isRefusal(made) ? null : made.body)).catch(() => {});
    return { made: { event: "timed-out", reason: "no rendition in time" }, cache: "miss" };
  } catch (error) {
    return doubtful(`the cached entrypoint failed: ${error}`);
  }
}

async function ask(loopback: Loopback, request: Request, reads: Reads): Promise<Kept> {
  const answer = await loopback.fetch(request);
  const read = reads === "facts" ? readKeptFacts : readImage;
  const made = answer.status === 200 ? await read(answer) : readRefusal(await answer.text());
  if (made === undefined) {
    drop(answer.bodyUsed ? null : answer.body);
    return doubtful("the cached entrypoint answers something else");
  }
  const cache = cacheStateOf(answer);
  const age = Number(answer.headers.get("age")) || 0;
  // The edge may not transform what one Worker asks for another, also if both are the same (E9, W13).
  const isForgotten =
    isRefusal(made) && (made.event === "not-transformed" || made.event === "edge-refused");
  return {
    made,
    cache,
    age,
    ...(isForgotten && { doubt: "the edge does not transform behind it" }),
  };
}

function doubtful(doubt: string): Kept {
  return { made: { event: "edge-failed", reason: doubt }, cache: "miss", doubt };
}
