// Answers what AWS asks the issuer: /.well-known/openid-configuration and /.well-known/jwks.json. Without
// `[vars.OIDC]` there are no such paths.

import { plain } from "./answer/answer.ts";
import type { Refusal } from "./base/refusal.ts";
import type { Config } from "./config/config.ts";
import type { Issuer } from "./config/issuer-key.ts";
import type { Oidc } from "./config/oidc.ts";
import { issuerKeysOf, type PublicKey } from "./origin/issuer-keys.ts";

/** A new key is to be seen soon: s. */
const HEADERS = { "content-type": "application/json", "cache-control": "public, max-age=60" };

/** @returns undefined for another path */
export function answerIssuer(
  { method }: Pick<Request, "method">,
  pathname: string,
  { oidc }: Pick<Config, "oidc">,
): Promise<Response | Refusal> | undefined {
  const document = DOCUMENTS.get(pathname);
  return oidc && document && show(method, oidc, document);
}

async function show(method: string, oidc: Oidc, document: Document): Promise<Response | Refusal> {
  if (method !== "GET" && method !== "HEAD") {
    return { event: "method-not-allowed", method, allow: "GET, HEAD" };
  }
  const { published, mistakes } = await issuerKeysOf(oidc);
  if (published.length === 0) return { event: "configuration-broken", mistakes };
  return plain(200, JSON.stringify(document(oidc, published)), HEADERS);
}

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
