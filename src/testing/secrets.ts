// The secrets of a Vitrine under test: made, unless the test has chosen one.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { secretNames } from "../worker/config/read-secrets.ts";
import { SLOT_NAMES } from "../worker/http/refusal.ts";
import { tableOf } from "../worker/util/json.ts";
import type { Setup } from "./setup.ts";

/**
 * Makes a secret for all that needs one. Those of the test win.
 * @throws {TypeError} if the test has chosen one that the configuration does not know: it would do nothing
 */
export function makeSecrets(
  { vars }: Setup,
  chosen: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const secrets: Record<string, string> = {
    URL_SIGNING_KEYS: JSON.stringify({ test: randomBytes(32).toString("hex") }),
    HEALTH_TOKEN: randomBytes(32).toString("hex"),
    PURGE_TOKEN: randomBytes(32).toString("hex"),
  };
  const optionalNames: string[] = [];

  for (const prefix of secretPrefixes(vars)) {
    const names = secretNames(prefix);
    secrets[names.accessKeyId] = `TEST${randomBytes(8).toString("hex").toUpperCase()}`;
    secrets[names.secretAccessKey] = randomBytes(30).toString("base64url");

    const slotNames = SLOT_NAMES.flatMap((slot) => Object.values(secretNames(prefix, slot)));
    optionalNames.push(...slotNames);
  }

  if (vars["OIDC"] !== undefined) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    secrets["OIDC_SIGNING_KEY"] = `${privateKey.export({ type: "pkcs8", format: "pem" })}`;
    optionalNames.push("OIDC_SIGNING_KEY_NEXT");
  }

  checkNames(chosen, new Set([...Object.keys(secrets), ...optionalNames]));
  return { ...secrets, ...chosen };
}

/** The words with which the secrets of the buckets begin. An R2 bucket has none. */
function secretPrefixes(vars: Setup["vars"]): ReadonlySet<string> {
  const prefixes = new Set<string>();
  for (const settings of Object.values(tableOf(vars["BUCKETS"]))) {
    const { credentials = "AWS", binding } = tableOf(settings);
    if (binding === undefined && typeof credentials === "string") prefixes.add(credentials);
  }
  return prefixes;
}

function checkNames(chosen: object, allowed: ReadonlySet<string>): void {
  const unknown = Object.keys(chosen).filter((name) => !allowed.has(name));
  if (unknown.length === 0) return;

  throw new TypeError(
    `createVitrine: secrets: unknown: ${unknown.join(", ")}. The configuration knows ${[...allowed].join(", ")}`,
  );
}
