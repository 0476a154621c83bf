// What AWS reads of the issuer: the discovery document and the public keys. Anybody may. Pure.

import type { Issuer } from "../config/issuer-key.ts";
import type { PublicKey } from "./issuer-keys.ts";

export const DISCOVERY = "/.well-known/openid-configuration";
export const KEYS = "/.well-known/jwks.json";

/** @param keys the public keys */
export function discovery({ issuer }: Issuer, keys: readonly PublicKey[]): object {
  return {
    issuer,
    jwks_uri: `${issuer}${KEYS}`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [...new Set(keys.map(({ alg }) => alg))],
    claims_supported: ["aud", "exp", "iat", "iss", "jti", "sub"],
  };
}

export function keySet(keys: readonly PublicKey[]): object {
  return { keys };
}
