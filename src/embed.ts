import { PROTECTION } from "./answer.ts";
import type { Refusal } from "./refusal.ts";

/** Seconds that a browser may remember what a preflight was answered. */
const PREFLIGHT_SECONDS = 86_400;

/**
 * Refuses what a page of another origin than the route's `origins`, or the Worker's own, asks for: by
 * Origin, by Referer, and where both are missing, as privacy settings and hostile pages have it, by
 * Sec-Fetch-Site, if that can tell. What no browser sends passes: this is about pages, not about secrets.
 * @param own the URL that is asked for
 */
export function checkEmbedding(
  headers: Headers,
  own: URL,
  origins: ReadonlySet<string>,
): Refusal | undefined {
  const origin = headers.get("origin");
  const referer = headers.get("referer");
  const pages = [...(origin ? [origin] : []), ...(referer ? [originOf(referer)] : [])];
  const foreign = pages.find((page) => page !== own.origin && !origins.has(page));
  if (foreign !== undefined) {
    return { event: "foreign-page", reason: `${foreign} is not in origins` };
  }
  const crossing = pages.length === 0 && headers.get("sec-fetch-site") === "cross-site";
  // All that may embed are of the Worker's own site, or of somebody's own machine.
  const near = [...origins].every((known) => isLocal(known) || isSameSite(new URL(known), own));
  return crossing && near
    ? { event: "foreign-page", reason: "sec-fetch-site is cross-site" }
    : undefined;
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : "null";
}

/** The headers by which a browser lets a page read what it asked for, on a route with `origins`. */
export function corsHeaders(
  headers: Headers,
  origins: ReadonlySet<string>,
): Record<string, string> {
  const origin = headers.get("origin");
  const known = origin !== null && origins.has(origin);
  return { vary: "origin", ...(known && { "access-control-allow-origin": origin }) };
}

/** The answer to OPTIONS on a route with `origins`, to a page that may embed. */
export function preflight(allow: string, cors: Record<string, string>): Response {
  const headers = {
    ...{ ...PROTECTION, allow, ...cors },
    "access-control-allow-methods": allow,
    "access-control-allow-headers": "*", // none is looked at
    "access-control-max-age": `${PREFLIGHT_SECONDS}`,
  };
  return new Response(null, { status: 204, headers });
}

function isLocal(origin: string): boolean {
  return /^http:\/\/(?:localhost|127\.0\.0\.1)(?![\w.-])/.test(origin);
}

/**
 * True only if two URLs are of one site, as far as that can be told without a list of all suffixes:
 * their hosts end in the same two labels or more, and these are none under which others register,
 * such as `co.uk` or `uk.com`.
 */
function isSameSite(one: URL, other: URL): boolean {
  if (one.protocol !== other.protocol || /[\d\]]$/.test(one.hostname)) return false; // an IP address
  const others = other.hostname.split(".").reverse();
  const labels = one.hostname.split(".").reverse();
  const differs = labels.findIndex((label, at) => label !== others[at]);
  const shared = labels.slice(0, differs < 0 ? undefined : differs);
  if (shared.length !== 2) return shared.length > 2;
  return !/^(?:..,.{2,3}|.*,..)$/.test(shared.join());
}
