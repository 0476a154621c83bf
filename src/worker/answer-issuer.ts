// Answers what AWS asks the issuer: /.well-known/openid-configuration and /.well-known/jwks.json. Without
// `[vars.OIDC]` there are no such paths.

import { plain } from "./answer/answer.ts";
import type { Refusal } from "./base/refusal.ts";
import type { Config } from "./config/config.ts";
import type { Oidc } from "./config/oidc.ts";
import { DOCUMENTS, type Document } from "./origin/documents.ts";
import { issuerKeysOf } from "./origin/issuer-keys.ts";

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
