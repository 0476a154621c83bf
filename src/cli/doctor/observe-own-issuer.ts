// Reads what the Worker shows as an issuer of its own, as AWS reads it: the discovery document and the public keys, which
// anybody may read. What answers at the issuer's address is not trusted.

import type { Oidc } from "../../worker/config/oidc.ts";
import { isPlainObject, parseJson } from "../../worker/util/json.ts";
import { fetchText, isNoAnswer } from "../http/body.ts";

const TIMEOUT_S = 10;
const MAX_BYTES = 100_000;

/** What AWS reads at the issuer's address. `fault`: undefined if all is well. */
export type OwnIssuerSeen = { readonly about: string; readonly fault: string | undefined };

/** Reads the discovery document and the public keys, which anybody may read. */
export async function observeOwnIssuer({ issuer }: Pick<Oidc, "issuer">): Promise<OwnIssuerSeen> {
  const about = `${issuer}/.well-known/openid-configuration`;
  const keysUrl = `${issuer}/.well-known/jwks.json`;

  const document = await readJson(about);
  if (document.kind === "fault") return { about, fault: document.fault };

  const expected = { issuer, jwks_uri: keysUrl };
  for (const [name, expectedValue] of Object.entries(expected)) {
    const value = document.table[name];
    if (value === expectedValue) continue;

    const text = JSON.stringify(value) ?? "missing";
    return { about, fault: `${about}: ${name} is ${text.slice(0, 100)}, not ${expectedValue}` };
  }

  const keySet = await readJson(keysUrl);
  if (keySet.kind === "fault") return { about, fault: keySet.fault };

  const { keys } = keySet.table;
  const hasKey = Array.isArray(keys) && keys.some(isPublicKey);
  return { about, fault: hasKey ? undefined : `${keysUrl} shows no public key` };
}

function isPublicKey(key: unknown): boolean {
  return isPlainObject(key) && typeof key["kid"] === "string";
}

type JsonDocument =
  | { readonly kind: "table"; readonly table: Readonly<Record<string, unknown>> }
  | { readonly kind: "fault"; readonly fault: string };

async function readJson(url: string): Promise<JsonDocument> {
  const result = await fetchText(url, {}, TIMEOUT_S, MAX_BYTES);
  if (isNoAnswer(result)) {
    return { kind: "fault", fault: `${url} cannot be reached: ${result.reason}` };
  }

  if (result.status !== 200) return { kind: "fault", fault: `${url} answers ${result.status}` };

  const table = parseJson(result.text);
  if (!isPlainObject(table)) {
    return { kind: "fault", fault: `${url} answers 200, and not with a JSON object` };
  }
  return { kind: "table", table };
}
