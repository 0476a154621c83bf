// Reads how the Worker purges the edge by Cloudflare's API (C3). No message holds any part of the token.

import type { Report, Vars } from "./schema.ts";

/** The token and the zone of the Worker, or which of them is missing. */
export type EdgePurge =
  | { readonly token: string; readonly zone: string }
  | { readonly missing: string };

const ZONE = /^[0-9a-f]{32}$/;
const TOKEN = /^[\x21-\x7e]+$/;

/**
 * One of the two alone is no mistake for the Worker: each `wrangler secret put` is deployed at once (S1),
 * and a mistake would stop all images until the second one. The answer to a purge says what is missing.
 */
export function readEdgePurge(vars: Vars, report: Report): EdgePurge {
  const { CLOUDFLARE_API_TOKEN: given, ZONE_ID: id } = vars;
  const token = typeof given === "string" && TOKEN.test(given) ? given : undefined;
  const zone = typeof id === "string" && ZONE.test(id) ? id : undefined;
  if (id && !zone) report("ZONE_ID", "is not a zone ID (32 digits and letters a to f)");
  if (token && zone) return { token, zone };
  const missing = [...(token ? [] : ["CLOUDFLARE_API_TOKEN"]), ...(zone ? [] : ["ZONE_ID"])];
  return { missing: `${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} missing` };
}
