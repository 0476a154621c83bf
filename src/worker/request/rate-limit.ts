// Refuses a visitor who asks too often on a route. A limiter that fails refuses nobody: presets bound
// the costs without it.

import type { Limiter } from "../config/bindings.ts";
import type { Refusal } from "../http/refusal.ts";
import { logNotice } from "../log/log.ts";
import { TIMED_OUT, withTimeout } from "../util/time.ts";

/** How long the limiter may take: ms. */
const LIMITER_MS = 1_000;

/**
 * @param headers with `cf-connecting-ip`, which only Cloudflare can set
 * @param deadline until when the visitor waits: ms since 1970
 */
export async function checkRateLimit(
  limiter: Limiter,
  headers: Headers,
  route: string,
  deadline: number,
): Promise<Refusal | undefined> {
  const key = `${visitorOf(headers.get("cf-connecting-ip") ?? "")} ${route}`;
  const ms = Math.min(LIMITER_MS, deadline - Date.now());
  let reason = `no answer within ${ms} ms`;
  try {
    const outcome = await withTimeout(ms, limiter.limit({ key }));
    if (outcome !== TIMED_OUT) return outcome.success ? undefined : { event: "rate-limited" };
  } catch (error) {
    reason = error instanceof Error ? error.message : "it failed";
  }
  logNotice({ event: "limiter-failed", route, reason });
  return undefined;
}

/** An IPv4 address, or the first 64 bits of an IPv6 address (`2001:db8::1` → `2001:db8:0:0`): visitors change the rest. */
function visitorOf(address: string): string {
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const last = tail?.split(":") ?? [];
  const zeros = new Array<string>(Math.max(0, 8 - groups.length - last.length)).fill("0");
  return [...groups, ...(tail === undefined ? [] : [...zeros, ...last])].slice(0, 4).join(":");
}
