// Tells browsers which pages may read the answers of a route with `origins`.

import { PROTECTION } from "./answer.ts";

/** For how long a browser may remember the answer to a preflight: s. */
const PREFLIGHT_S = 86_400;

/** The headers that let a page read an answer. */
export function corsHeaders(
  headers: Headers,
  origins: ReadonlySet<string>,
): Record<string, string> {
  const origin = headers.get("origin");
  const known = origin && origins.has(origin);
  return { vary: "origin", ...(known && { "access-control-allow-origin": origin }) };
}

/** The answer to OPTIONS, for a page that may embed. */
export function preflight(allow: string, cors: Record<string, string>): Response {
  const headers = {
    ...PROTECTION,
    allow,
    ...cors,
    "access-control-allow-methods": allow,
    "access-control-allow-headers": "*", // the Worker reads none of them
    "access-control-max-age": `${PREFLIGHT_S}`,
  };
  return new Response(null, { status: 204, headers });
}
