import type { Refusal } from "./refusal.ts";

/** Seconds that a browser may remember what a preflight was answered. */
const PREFLIGHT_SECONDS = 86_400;

/**
 * Refuses what a page of another origin than the route's `origins`, or the Worker's own, asks for: by
 * Origin, by Referer, and where both are missing, as privacy settings have it, by Sec-Fetch-Site, if
 * that can tell. What no browser sends passes: this is about pages, not about secrets.
 * @param own the URL that is asked for
 */
export function checkEmbedding(
  headers: Headers,
  own: URL,
  origins: ReadonlySet<string>,
): Refusal | undefined {
  const isKnown = (origin: string) => origin === own.origin || origins.has(origin);
  const origin = headers.get("origin");
  if (origin !== null && !isKnown(origin)) {
    return { event: "foreign-page", reason: `${origin} is not in origins` };
  }
  const referer = headers.get("referer");
  if (referer !== null) {
    const page = URL.canParse(referer) ? new URL(referer).origin : "null";
    if (!isKnown(page)) return { event: "foreign-page", reason: `${page} is not in origins` };
  }
  // Of the Worker's own site are all that may embed: then who comes from another one may not.
  const told = origin !== null || referer !== null;
  if (!told && headers.get("sec-fetch-site") === "cross-site") {
    const near = [...origins].every((known) => isSameSite(new URL(known).hostname, own.hostname));
    if (near) return { event: "foreign-page", reason: "sec-fetch-site is cross-site" };
  }
  return undefined;
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
    ...{ allow, ...cors },
    "access-control-allow-methods": allow,
    "access-control-allow-headers": "*", // none is looked at
    "access-control-max-age": `${PREFLIGHT_SECONDS}`,
  };
  return new Response(null, { status: 204, headers });
}

/**
 * True only if two hosts are surely of one site: they end in the same two labels or more, of which
 * no registry has made a suffix (`co.uk`).
 */
function isSameSite(one: string, other: string): boolean {
  const others = other.split(".").reverse();
  const labels = one.split(".").reverse();
  const differs = labels.findIndex((label, at) => label !== others[at]);
  const shared = labels.slice(0, differs < 0 ? undefined : differs);
  return shared.length > 2 || (shared.length === 2 && !/^..,.{2,3}$/.test(shared.join()));
}
