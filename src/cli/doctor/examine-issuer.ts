// Reads what AWS reads of the Worker as an OIDC issuer: its discovery document, and its public keys. Anybody
// may. What answers there is not trusted.

import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import type { Oidc } from "../../worker/config/oidc.ts";
import { fetchText } from "../http/body.ts";
import { kidOf, OIDC_KEYS, oidcKeyFault } from "../secrets/oidc-key.ts";
import type { Secrets } from "../secrets/secrets.ts";
import { type Diagnosis, diagnose, type Finding, findingsOn, well } from "./finding.ts";

const PATIENCE_S = 10;
const LONGEST = 100_000; // bytes
const SHOWN = 100; // characters of what somebody else wrote

/** @param secrets those at hand: a key of the issuer among them is compared */
export async function examineIssuer(
  { issuer }: Pick<Oidc, "issuer">,
  secrets: Secrets,
): Promise<readonly Finding[]> {
  const url = `${issuer}/.well-known/openid-configuration`;
  const found = await read(url);
  if ("check" in found) return findingsOn(url, [found]);
  const { issuer: said, jwks_uri: keysUrl } = found.table;
  if (said !== issuer) {
    return findingsOn(url, [diagnose("issuer-other", { url, issuer, seen: short(said) })]);
  }
  // AWS itself would follow it anywhere. The Worker names only its own.
  if (typeof keysUrl !== "string" || !keysUrl.startsWith(`${issuer}/`)) {
    return findingsOn(url, [diagnose("issuer", { url, seen: `jwks_uri ${short(keysUrl)}` })]);
  }
  const shown = await read(keysUrl);
  if ("check" in shown) return findingsOn(keysUrl, [shown]);
  const keys = Array.isArray(shown.table["keys"]) ? shown.table["keys"].filter(isPlainObject) : [];
  const kids = keys.flatMap(({ kid }) => (typeof kid === "string" ? [kid] : []));
  if (kids.length === 0) {
    return findingsOn(keysUrl, [diagnose("issuer-without-keys", { url: keysUrl })]);
  }
  const count = kids.length === 1 ? "one public key" : `${kids.length} public keys`;
  const there = `it shows ${count}. AWS trusts its certificate if a public authority signed it: no thumbprint`;
  return findingsOn(url, [well("issuer", there), ...othersOf(secrets, kids)]);
}

/** The keys at hand that the Worker does not have. */
function othersOf(secrets: Secrets, kids: readonly string[]): Diagnosis[] {
  return OIDC_KEYS.flatMap((secret) => {
    const { value: pem, from: place = "" } = secrets.get(secret) ?? {};
    if (pem === undefined || oidcKeyFault(secret, pem) !== undefined) return [];
    const kid = kidOf(pem);
    return kids.includes(kid) ? [] : [diagnose("issuer-key-other", { secret, kid, place })];
  });
}

async function read(
  url: string,
): Promise<{ readonly table: Readonly<Record<string, unknown>> } | Diagnosis> {
  const answer = await fetchText(url, {}, PATIENCE_S, LONGEST);
  if ("reason" in answer) return diagnose("issuer-unreachable", { url, seen: answer.reason });
  if (answer.status !== 200) return diagnose("issuer", { url, seen: answer.status });
  const table = parseJson(answer.text);
  return isPlainObject(table) ? { table } : diagnose("issuer", { url, seen: "no JSON" });
}

function short(value: unknown): string {
  return `${typeof value === "string" ? value : JSON.stringify(value)}`.slice(0, SHOWN);
}
