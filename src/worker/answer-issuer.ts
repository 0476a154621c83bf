// Answers what AWS asks the issuer: /.well-known/openid-configuration and /.well-known/jwks.json. Without
// `[vars.OIDC]` there are no such paths.

import { plain } from "./answer/answer.ts";
import type { Refusal } from "./base/refusal.ts";
import type { Oidc } from "./config/oidc.ts";
import { type DISCOVERY, discovery, KEYS, keySet } from "./keyless/documents.ts";
import { issuerKeysOf } from "./keyless/issuer-keys.ts";

/** A new key is to be seen soon: s. */
const HEADERS = { "content-type": "application/json", "cache-control": "public, max-age=60" };

export async function answerIssuer(
  { method }: Pick<Request, "method">,
  pathname: typeof DISCOVERY | typeof KEYS,
  oidc: Oidc,
): Promise<Response | Refusal> {
  if (method !== "GET" && method !== "HEAD") {
    return { event: "method-not-allowed", method, allow: "GET, HEAD" };
  }
  const { published, mistakes } = await issuerKeysOf(oidc);
  if (published.length === 0) return { event: "configuration-broken", mistakes };
  const shown = pathname === KEYS ? keySet(published) : discovery(oidc, published);
  return plain(200, JSON.stringify(shown), HEADERS);
}
