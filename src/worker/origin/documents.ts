// What AWS reads of the issuer: the discovery document and the public keys. Anybody may. Pure.

import type { Issuer } from "../config/issuer-key.ts";
import type { PublicKey } from "./issuer-keys.ts";

/** Makes a document. @param keys the public keys */
export type Document = (issuer: Issuer, keys: readonly PublicKey[]) => object;

const KEYS = "/.well-known/jwks.json";

/** The documents by their paths. */
export const DOCUMENTS: ReadonlyMap<string, Document> = new Map<string, Document>([
  ["/.well-known/openid-configuration", discovery],
  [KEYS, (_issuer, keys) => ({ keys })],
]);

function discovery({ issuer }: Issuer, keys: readonly PublicKey[]): object {
  return {
    issuer,
    jwks_uri: `${issuer}${KEYS}`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [...new Set(keys.map(({ alg }) => alg))],
    claims_supported: ["aud", "exp", "iat", "iss", "jti", "sub"],
  };
}
