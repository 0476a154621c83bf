// The public keys of issuers, as STS fetches and keeps them (K2, K3, K5).

import type { Network } from "../fetch.ts";
import { isTable } from "../is-table.ts";
import type { Read } from "./read-token.ts";
import { invalidToken, type StsRefusal } from "./refusal.ts";

/** A public key of an issuer, as its document spells it. */
type Key = Readonly<Record<string, unknown>>;

/** How the keys are kept. */
type Keeping = {
  readonly fetch: Network;
  readonly now: () => number;
  readonly seconds: number;
  readonly asksAgain: boolean;
  /** Is told each URL. */
  readonly asked: string[];
};

const NO_KEY =
  "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements";
const UNREACHABLE: StsRefusal = {
  status: 400,
  code: "IDPCommunicationError",
  message: "The identity provider could not be reached",
};
const PATIENCE_MS = 5_000;

/** Returns a function that checks the signature of a token by the keys of its issuer. */
export function signatureChecker(keeping: Keeping) {
  const kept = new Map<string, { readonly keys: readonly Key[]; readonly until: number }>();

  async function keysOf(issuer: string, afresh: boolean): Promise<readonly Key[] | StsRefusal> {
    const known = kept.get(issuer);
    if (!afresh && known !== undefined && keeping.now() < known.until) return known.keys;
    const keys = await fetchKeys(issuer, keeping);
    if ("code" in keys) return keys;
    kept.set(issuer, { keys, until: keeping.now() + keeping.seconds * 1000 });
    return keys;
  }

  return async (token: Read): Promise<StsRefusal | undefined> => {
    const keys = await keysOf(token.claims.iss, false);
    if ("code" in keys) return keys;
    let fitting = keys.filter((key) => fits(key, token));
    if (fitting.length === 0 && keeping.asksAgain) {
      const others = await keysOf(token.claims.iss, true);
      fitting = "code" in others ? [] : others.filter((key) => fits(key, token));
    }
    const [key] = fitting;
    if (key === undefined) return invalidToken(NO_KEY);
    const isRight = await verify(key, token).catch(() => false);
    return isRight ? undefined : invalidToken("The signature of the token is not valid");
  };
}

/** A token without a key id is checked by the only key of its kind. */
function fits({ kty, kid, crv, use }: Key, token: Read): boolean {
  const isOfKind = token.algorithm === "RS256" ? kty === "RSA" : kty === "EC" && crv === "P-256";
  const isForSignatures = use === undefined || use === "sig";
  return isOfKind && isForSignatures && (token.kid === undefined || kid === token.kid);
}

async function verify(key: Key, { algorithm, signed, signature }: Read): Promise<boolean> {
  const { kty, n, e, crv, x, y } = key;
  const jwk = JSON.parse(JSON.stringify({ kty, n, e, crv, x, y }));
  const kind =
    algorithm === "RS256"
      ? { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }
      : { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("jwk", jwk, kind, false, ["verify"]);
  return crypto.subtle.verify(kind, imported, signature, signed);
}

async function fetchKeys(issuer: string, keeping: Keeping): Promise<readonly Key[] | StsRefusal> {
  const found = await fetchJson(`${issuer}/.well-known/openid-configuration`, keeping);
  if (isRefusal(found)) return found;
  const { jwks_uri: uri, issuer: own } = found;
  if (own !== issuer || typeof uri !== "string" || !uri.startsWith("https://")) {
    return invalidToken(NO_KEY); // K2
  }
  const set = await fetchJson(uri, keeping);
  if (isRefusal(set)) return set;
  return Array.isArray(set["keys"]) ? set["keys"].filter(isTable) : invalidToken(NO_KEY); // K3
}

const isRefusal = (value: Record<string, unknown> | StsRefusal): value is StsRefusal =>
  "code" in value && "message" in value && "status" in value;

/** Follows no redirect. AWS does not say whether it does. */
async function fetchJson(
  url: string,
  { fetch, asked }: Keeping,
): Promise<Record<string, unknown> | StsRefusal> {
  asked.push(url);
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await fetch(url, { redirect: "manual", signal });
    if (answer.status >= 500) return UNREACHABLE;
    const body: unknown = answer.status === 200 ? await answer.json().catch(() => null) : null;
    return isTable(body) ? body : invalidToken(NO_KEY);
  } catch {
    return UNREACHABLE;
  }
}
