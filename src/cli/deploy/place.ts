// Where a deploy would go, and why it may not go there.

import { type Fault, isFault, type World } from "../command.ts";
import type { KnownVars } from "../config/environment-config.ts";
import { carrierText, isCarrier } from "../config/environment-config.ts";
import { type FoundMistake, warningText } from "../config/mistakes.ts";
import { findBaseUrl, isHere, refuseUnprovenUrl } from "../config/site-url.ts";
import { lockWarning } from "../config/versions.ts";
import { VERSION } from "../wrangler/packages.ts";

/** Why a deploy would replace another Worker than the one that is named, or none can be deployed. */
export function placeFault({ env }: World, known: KnownVars): Fault | undefined {
  const { file, worker } = known;
  if (isCarrier(known)) return { fault: carrierText(known) };
  if (worker === undefined) return { fault: `${file}: name is missing: it is the Worker's` };
  const name = env["WRANGLER_CI_OVERRIDE_NAME"];
  if (name !== undefined && name !== worker) {
    const what = `WRANGLER_CI_OVERRIDE_NAME would deploy this as ${name}, but it is ${worker}`;
    return { fault: `${what}. Choose the environment with --env, or change name in ${file}` };
  }
  return undefined;
}

/** Why a deploy would bundle another Vitrine than the one that is committed, as after a roll-back without `npm ci`. */
export function lockFault({ folder }: World): Fault | undefined {
  const warning = lockWarning(folder, VERSION);
  return warning && { fault: `${warningText(warning)}. Nothing is deployed` };
}

/** That nobody could reach the Worker. */
export function domainMistakes({ environment, workersDev, patterns }: KnownVars): FoundMistake[] {
  if (patterns.length > 0 || workersDev) return [];
  return [{ environment, path: "routes", message: "is missing, or empty: put your domain there" }];
}

/** The URL of the deployed Worker. Refuses one that may belong to another environment. */
export function baseOf(
  { folder }: World,
  known: KnownVars,
  url: string | undefined,
): string | undefined | Fault {
  const base = findBaseUrl(url, known.patterns, "--url");
  if (isFault(base)) return url === undefined ? undefined : base;
  if (base !== "" && !isHere(base)) return refuseUnprovenUrl(folder, known, base) ?? base;
  return { fault: "--url: say where the deployed Vitrine is, as https://images.example.com" };
}
