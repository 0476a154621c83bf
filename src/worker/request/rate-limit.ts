// Refuses a visitor who asks too often on a route. The limiter is a binding of Cloudflare. A limiter that fails refuses
// nobody: presets bound the costs without it, too. The log never has the visitor's address.

import type { Limiter } from "../config/bindings.ts";
import type { Refusal } from "../http/refusal.ts";
import { logNotice } from "../log/log.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";

/** How long the limiter may take: ms. */
const LIMITER_MS = 1_000;

/**
 * Counts a request of a visitor.
 * @param headers with `cf-connecting-ip`, which only Cloudflare can set
 * @param route the path of the route as configured
 * @param deadline until when the visitor waits: ms since 1970
 * @returns a refusal if the visitor is over the limit
 */
export async function checkRateLimit(
  limiter: Limiter,
  headers: Headers,
  route: string,
  deadline: number,
): Promise<Refusal | undefined> {
  const address = headers.get("cf-connecting-ip") ?? "";
  const key = `${visitorOf(address)} ${route}`;
  const timeoutMs = Math.min(LIMITER_MS, deadline - Date.now());

  let reason: string;
  try {
    const outcome = await withTimeout(timeoutMs, limiter.limit({ key }));
    if (outcome !== TIMED_OUT) {
      return outcome.success ? undefined : { event: "rate-limited" };
    }
    reason = `no answer within ${timeoutMs} ms`;
  } catch (error) {
    reason = error instanceof Error ? error.message : "it failed";
  }

  logNotice({ event: "limiter-failed", route, reason });
  return undefined;
}

/** An IPv6 address has 8 groups of 16 bits. Visitors can change the last four as they like. */
const GROUPS = 8;
const NETWORK_GROUPS = 4;

/** Returns what is counted: an IPv4 address, or the network of an IPv6 address (`2001:db8::1` → `2001:db8:0:0`). */
function visitorOf(address: string): string {
  // "::" stands for all groups of zeros that are left out. It may come first: `::1` is `0::1`.
  const [firstPart = "", lastPart] = address.replace(/^::/, "0::").split("::");
  const groups = firstPart.split(":");

  if (lastPart !== undefined) {
    // If "::" ends the address (`2001:db8::`), the last part is one empty group. It is never one of the first four.
    const lastGroups = lastPart.split(":");
    while (groups.length + lastGroups.length < GROUPS) groups.push("0");
    groups.push(...lastGroups);
  }

  // An IPv4 address has no colon, so it is one group. All in IPv6 form (`::ffff:192.0.2.1`) count as one.
  return groups.slice(0, NETWORK_GROUPS).join(":");
}
