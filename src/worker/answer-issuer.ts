// Answers what AWS asks the issuer: /.well-known/openid-configuration and /.well-known/jwks.json. Without
// `[vars.OIDC]` there are no such paths.

import type { Config } from "./config/config.ts";
import type { Issuer } from "./config/oidc.ts";
import type { Refusal } from "./http/refusal.ts";
import { issuerKeysOf } from "./origin/issuer-keys.ts";
import { plain } from "./response/answer.ts";

/** A new key is to be seen soon: s. */
const HEADERS = { "content-type": "application/json", "cache-control": "public, max-age=60" };

/** @returns undefined for another path */
export async function answerIssuer(
  { method }: Pick<Request, "method">,
  pathname: string,
  { oidc }: Pick<Config, "oidc">,
): Promise<Response | Refusal | undefined> {
  const isKeys = pathname === KEYS;
  if (!oidc || !(isKeys || pathname === DISCOVERY)) return undefined;
  if (method !== "GET" && method !== "HEAD") {
    return { event: "method-not-allowed", method, allow: "GET, HEAD" };
  }
  const { published: keys, mistakes } = await issuerKeysOf(oidc);
  if (keys.length === 0) return { event: "configuration-broken", mistakes };
  return plain(200, JSON.stringify(isKeys ? { keys } : discovery(oidc)), HEADERS);
}

const DISCOVERY = "/.well-known/openid-configuration";
const KEYS = "/.well-known/jwks.json";

function discovery({ issuer }: Issuer): object {
  return {
    issuer,
    jwks_uri: `${issuer}${KEYS}`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
    claims_supported: ["aud", "exp", "iat", "iss", "jti", "sub"],
  };
}
