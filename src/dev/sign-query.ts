// The query that signs a local URL.

import { signGrant } from "../url/grant.ts";
import type { BoundRoute } from "../worker/config/routes.ts";

/**
 * Returns the query that signs a URL for an hour, or less if the route allows only less. Returns "" if
 * the route is not signed.
 * @param now ms since 1970
 */
export async function signQuery(
  { path, signing }: BoundRoute,
  preset: string,
  key: string,
  now: number,
): Promise<string> {
  const [first] = signing?.keys.values() ?? [];
  if (signing === undefined || first === undefined) return "";
  const seconds = Math.min(3600, signing.maxAge);
  const expires = Math.floor(now / 1000) + seconds;
  return signGrant({ route: path, preset, key, expires }, first);
}
