// Gets a rendition for the gateway: from the cached entrypoint, or made here where that cannot be used.

import { isRefusal } from "./base/refusal.ts";
import { askKept, type Obtained } from "./cache/ask-kept.ts";
import type { GatewayContext } from "./cache/loopback.ts";
import { isUsable, mayTryDirectly } from "./cache/loopback-state.ts";
import type { Wanted } from "./cache/rendition-url.ts";
import { learnOfLoopback, loopbackOf } from "./isolate.ts";
import { make } from "./renditions.ts";

/** One visitor's request, as the gateway knows it. */
export type GatewayVisit = {
  readonly env: object;
  readonly context: GatewayContext;
  /** Until when the visitor waits: ms since 1970. */
  readonly deadline: number;
  /** For how long Cloudflare keeps renditions: s. 0: the gateway makes them all itself. */
  readonly keep: number;
  /** Whether the route's fallback is wanted, for which the visitor did not ask. */
  readonly isFallback?: boolean;
};

/**
 * Where the cached entrypoint fails in a way that may be its own (W13), the gateway makes the rendition
 * itself. If that works, it does so for a while, and the log is told once.
 */
export async function obtain(wanted: Wanted, visit: GatewayVisit): Promise<Obtained> {
  const { env, context, keep } = visit;
  if (keep === 0 || !isUsable(loopbackOf(env), Date.now())) return directly(wanted, visit);
  const loopback = context.exports?.Renditions;
  if (!loopback) {
    const doubt = "ctx.exports is missing (compatibility_date is before 2025-11-17)";
    learnOfLoopback(env, { type: "made-directly", doubt, now: Date.now() });
    return directly(wanted, visit);
  }
  const { doubt, ...kept } = await askKept(loopback, wanted, visit);
  if (!doubt || !mayTryDirectly(loopbackOf(env), Date.now())) return kept;
  const own = await directly(wanted, visit);
  const failure = failureOf(own.made);
  const type = failure ? "failed-directly" : "made-directly";
  // Another reason, such as an object that is no image, says nothing of the cached entrypoint: else one
  // such object would keep all others from a direct try.
  if (!failure || failure === failureOf(kept.made)) {
    learnOfLoopback(env, { type, doubt, now: Date.now() });
  }
  return own;
}

/** Why there is no image, by its event and the edge's code. */
function failureOf(made: Obtained["made"]): string | undefined {
  return isRefusal(made) ? `${made.event} ${("edge" in made && made.edge) || ""}` : undefined;
}

async function directly(wanted: Wanted, visit: GatewayVisit): Promise<Obtained> {
  return { made: await make(wanted, visit), cache: "direct" };
}
