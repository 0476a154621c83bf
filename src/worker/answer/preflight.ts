// Which pages may read what a route with `origins` answers.

import { PROTECTION } from "./answer.ts";

/** Seconds that a browser may remember what a preflight was answered. */
const PREFLIGHT_SECONDS = 86_400;

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
    ...PROTECTION,
    allow,
    ...cors,
    "access-control-allow-methods": allow,
    "access-control-allow-headers": "*", // none is looked at
    "access-control-max-age": `${PREFLIGHT_SECONDS}`,
  };
  return new Response(null, { status: 204, headers });
}
