// Reads the secrets of a file, and refuses what the Worker would refuse, and what it would not use. Nothing is sent. No
// message holds any part of a secret.

import { createPrivateKey } from "node:crypto";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import { readIssuerKey } from "../../worker/config/oidc.ts";
import { readToken, readUrlKeys, secretNames } from "../../worker/config/read-secrets.ts";
import type { ReportMistake } from "../../worker/config/schema.ts";
import { mistakeText, SLOT_NAMES } from "../../worker/http/refusal.ts";
import { type CommandFault, isFault, type World } from "../command.ts";
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
  return mistakes.length === 0 ? secrets : refuse(file, mistakes);
}

/** What is wrong with the secrets: one line each. Half a slot is a mistake. */
function findMistakes(
  secrets: SecretValues,
  buckets: readonly Bucket[],
  { deployedVars, requiredSecrets }: EnvironmentConfig,
): string[] {
  const mistakes = new Map<string, string>();
  const report = (name: string, message: string) => {
    if (!mistakes.has(name)) mistakes.set(name, message);
  };
  const slots = buckets.flatMap(({ access }) =>
    SLOT_NAMES.map((slot) => secretNames(access, slot)),
  );
  const used = new Set([
    ...slots.flatMap((names) => Object.values(names)),
    ...(deployedVars["OIDC"] === undefined ? [] : OIDC_KEYS),
    ...["HEALTH_TOKEN", "URL_SIGNING_KEYS", "PURGE_TOKEN", ...requiredSecrets],
  ]);
  for (const [name, value] of Object.entries(secrets)) {
    if (!used.has(name)) report(name, "is no secret of this Worker: take it out, or rename it");
    else if (value === "") report(name, "is empty: fill it in, or take it out");
    else if (isOfLocalKey(value) || isLocalSigningKey(name, value)) {
      report(name, "is the one of the local run: make one for each environment");
    } else if (name === "HEALTH_TOKEN" || name === "PURGE_TOKEN") {
      if (!readToken(secrets, name)) report(name, "is too short, or not ASCII");
    } else if (OIDC_KEYS.includes(name)) checkIssuerKey(name, value, report);
    else if (name === "URL_SIGNING_KEYS") readUrlKeys(secrets, report);
  }
  for (const bucket of buckets) {
    const slotMistakes = slotsIn(secrets, bucket).unusable.flatMap((slot) => slot.mistakes);
    for (const { path, message } of slotMistakes) {
      report(path, path in secrets ? message : "is missing: a slot needs both secrets");
    }
  }
  return [...mistakes].map((mistake) => mistake.join(": "));
}

/** What Cloudflare would not take: a secret that is too long, or more of them beside the vars: one line each. */
function findLimitMistakes(secrets: SecretValues, envConfig: EnvironmentConfig): string[] {
  const { wrangler, requiredSecrets } = envConfig;
  const names = [...Object.keys(wrangler.vars), ...requiredSecrets, ...Object.keys(secrets)];
  return [...sizeMistakes(secrets), ...countMistakes(names)].map(mistakeText);
}

function checkIssuerKey(name: string, pem: string, report: ReportMistake): void {
  if (!readIssuerKey(name, pem, report)) return;
  try {
    createPrivateKey(pem);
  } catch {
    // The error may quote the key.
    report(name, "is damaged: make it with openssl genpkey, as docs/keyless.md says");
  }
}
