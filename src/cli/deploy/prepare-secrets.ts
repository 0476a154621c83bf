// Reads the secrets of a file, and refuses what the Worker would refuse, and what it would not use. Nothing is sent. No
// message holds any part of a secret.

import { createPrivateKey } from "node:crypto";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import { readIssuerKey } from "../../worker/config/oidc.ts";
import {
  MIN_LENGTHS,
  readToken,
  readUrlKeys,
  secretNames,
} from "../../worker/config/read-secrets.ts";
import type { ReportMistake } from "../../worker/config/schema.ts";
import { mistakeText, SLOT_NAMES } from "../../worker/http/refusal.ts";
import { type CommandFault, isFault, page, type World } from "../command.ts";
import { hasSecrets, slotsIn } from "../config/buckets.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { isLocalSigningKey, isOfLocalKey } from "../config/local-run.ts";
import { countMistakes, sizeMistakes } from "../config/variable-limits.ts";
import { readSecretsFile, type SecretValues } from "../secrets/secrets.ts";
import { refuse } from "./check-s3.ts";

const OIDC_KEYS = ["OIDC_SIGNING_KEY", "OIDC_SIGNING_KEY_NEXT"];

/** @returns the secrets, or why none of them may be deployed */
export function prepareSecrets(
  world: World,
  file: string | undefined,
  envConfig: EnvironmentConfig,
  { buckets }: Config,
): SecretValues | CommandFault {
  if (file === undefined) return {};

  const secrets = readSecretsFile(world, file);
  if (isFault(secrets)) return secrets;

  const mistakes = [
    ...findMistakes(secrets, buckets.filter(hasSecrets), envConfig),
    ...findLimitMistakes(secrets, envConfig),
  ];
  if (mistakes.length > 0) return refuse(file, mistakes);

  return secrets;
}

/** What is wrong with the secrets: one line each. Half a slot is a mistake. */
function findMistakes(
  secrets: SecretValues,
  buckets: readonly Bucket[],
  envConfig: EnvironmentConfig,
): string[] {
  // The first mistake of each secret.
  const mistakes = new Map<string, string>();
  const report: ReportMistake = (name, message) => {
    if (!mistakes.has(name)) mistakes.set(name, message);
  };

  const used = usedSecrets(buckets, envConfig);
  for (const [name, value] of Object.entries(secrets)) {
    if (used.has(name)) checkSecret(name, value, secrets, report);
    else report(name, "is no secret of this Worker: take it out, or rename it");
  }

  for (const bucket of buckets) {
    const { unusable } = slotsIn(secrets, bucket);
    for (const { path, message } of unusable.flatMap((slot) => slot.mistakes)) {
      const isMissing = !Object.hasOwn(secrets, path);
      report(path, isMissing ? "is missing: a slot needs both secrets" : message);
    }
  }
  return [...mistakes].map(([name, message]) => `${name}: ${message}`);
}

/** The names of all secrets that the Worker reads. */
function usedSecrets(
  buckets: readonly Bucket[],
  { deployedVars, requiredSecrets }: EnvironmentConfig,
): ReadonlySet<string> {
  const used = new Set(["HEALTH_TOKEN", "URL_SIGNING_KEYS", "PURGE_TOKEN", ...requiredSecrets]);

  for (const { access } of buckets) {
    for (const slot of SLOT_NAMES) {
      for (const name of Object.values(secretNames(access, slot))) used.add(name);
    }
  }

  if (deployedVars["OIDC"] !== undefined) {
    for (const name of OIDC_KEYS) used.add(name);
  }
  return used;
}

function checkSecret(
  name: string,
  value: string,
  secrets: SecretValues,
  report: ReportMistake,
): void {
  if (value === "") {
    report(name, "is empty: fill it in, or take it out");
    return;
  }

  const isText = !OIDC_KEYS.includes(name) && name !== "URL_SIGNING_KEYS";
  if (isText && value !== value.trim()) {
    report(name, "has a space or a line break at its beginning or end: take it out");
    return;
  }

  if (isOfLocalKey(value) || isLocalSigningKey(name, value)) {
    report(name, "is the one of the local run: make one for each environment");
    return;
  }

  if (OIDC_KEYS.includes(name)) checkIssuerKey(name, value, report);
  if (name === "URL_SIGNING_KEYS") readUrlKeys(secrets, report);

  const isToken = name === "HEALTH_TOKEN" || name === "PURGE_TOKEN";
  if (isToken && !readToken(secrets, name)) {
    report(name, `needs ${MIN_LENGTHS[name]} or more ASCII characters`);
  }
}

function checkIssuerKey(name: string, pem: string, report: ReportMistake): void {
  const key = readIssuerKey(name, pem, report);
  if (!key) return;

  try {
    createPrivateKey(pem);
  } catch {
    // The error may quote the key.
    report(name, `is damaged: make it with openssl genpkey, as ${page("docs/keyless.md")} says`);
  }
}

/** What Cloudflare would not take: a secret that is too long, or more of them beside the vars: one line each. */
function findLimitMistakes(secrets: SecretValues, envConfig: EnvironmentConfig): string[] {
  const { wrangler, requiredSecrets } = envConfig;
  const names = [...Object.keys(wrangler.vars), ...requiredSecrets, ...Object.keys(secrets)];
  const mistakes = [...sizeMistakes(secrets), ...countMistakes(names)];
  return mistakes.map(mistakeText);
}
