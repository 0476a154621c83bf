// Reads which secrets of a file are deployed, or says all that is wrong with the file. No message holds any part of a
// secret.

import type { Mistake } from "../../worker/base/refusal.ts";
import {
  readSlots,
  readToken,
  secretNames,
  signingKeysOf,
} from "../../worker/config/read-secrets.ts";
import { keyEnd, type Slot } from "../../worker/config/slot.ts";
import { type Fault, isFault, type World } from "../command.ts";
import { secretPrefixesOf, sessionPrefixesOf } from "../config/buckets.ts";
import type { EnvironmentConfig } from "../config/environment-config.ts";
import { isLocalSigningKey, isOfLocalKey } from "../config/local-run.ts";
import { OIDC_KEYS, oidcKeyFault } from "../secrets/oidc-key.ts";
import { readSecretsFile, slotSecretNames } from "../secrets/secrets.ts";
import { hintFor } from "../wrangler/config-file.ts";

export type SlotToDeploy = Slot & { readonly secretPrefix: string };

export type SecretsToDeploy = {
  /** The file that has them. */
  readonly file?: string;
  readonly sent: Readonly<Record<string, string>>;
  /** The slots that are complete. */
  readonly slots: readonly SlotToDeploy[];
  /** What is not deployed, and what may not fit what is deployed: whole lines. */
  readonly warnings: readonly string[];
  /** What is deployed and what is not, without any part of a secret. */
  readonly text: string;
};

/** A key by the last four characters of its id. */
export function keyText(slot: SlotToDeploy): string {
  return `the key ${keyEnd(slot)} (${slot.secretPrefix}, slot ${slot.name})`;
}

/** What the Worker uses of the file, and is not empty, is deployed. Without a file, all secrets stay. */
export function readSecretsToDeploy(
  world: World,
  file: string | undefined,
  known: EnvironmentConfig,
): SecretsToDeploy | Fault {
  if (file === undefined) {
    return { sent: {}, slots: [], warnings: [], text: "all secrets stay as they are deployed" };
  }
  const given = readSecretsFile(world, file);
  if (isFault(given)) return given;
  const used = usedSecrets(known);
  const sent = Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      used.has(name) && typeof value === "string" && value !== "" ? [[name, value]] : [],
    ),
  );
  const { slots, mistakes, tokens } = readSlotsToDeploy(sent, known);
  for (const [path, value] of Object.entries(sent)) {
    const message = valueMistake(path, value);
    if (message !== undefined) mistakes.push({ path, message });
  }
  if (mistakes.length > 0) {
    const lines = mistakes.map(({ path, message }) => `\n  ${path}: ${message}`);
    return { fault: `${file} has mistakes. Nothing is deployed:${lines.join("")}` };
  }
  const ignored = Object.keys(given).filter((name) => !(name in sent));
  const ignoredText = `the Worker does not use ${ignored.join(", ")} of ${file}, or it is empty: docs/configuration.md, “Credentials of a bucket”`;
  const warnings = ignored.length > 0 ? [ignoredText] : [];
  if (Object.keys(sent).length === 0) {
    const hint =
      "write each value as AWS_ACCESS_KEY_ID='…', or all as JSON: docs/deploy.md, step 5";
    const head = `${file} has no secret to deploy. Nothing is deployed:`;
    return { fault: [head, hint, ...warnings].join("\n  ") };
  }
  for (const name of tokens) {
    const problem = `${file} has a new key without ${name}: if the Worker has one, S3 refuses the two together`;
    const remedy = `npx vitrine rotate changes both in one step. Or, after this deploy, npx wrangler secret delete ${name}, if npx wrangler secret list shows it`;
    warnings.push(hintFor(known, `${problem}: ${remedy}`));
  }
  const ofSlots = slots.flatMap((one) => Object.values(secretNames(one.secretPrefix, one.name)));
  const others = Object.keys(sent).filter((name) => !ofSlots.includes(name));
  const names = [...slots.map(keyText), ...others].join(", ");
  const text = `${names} of ${file}; all other secrets stay as they are deployed`;
  return { file, sent, slots, warnings, text };
}

/** The names of all secrets that the Worker may have. */
function usedSecrets({ deployed, secrets }: EnvironmentConfig): ReadonlySet<string> {
  return new Set([
    ...[...secretPrefixesOf(deployed["BUCKETS"]).values()].flatMap(slotSecretNames),
    ...(deployed["OIDC"] === undefined ? [] : OIDC_KEYS),
    ...["HEALTH_TOKEN", "URL_SIGNING_KEYS", "PURGE_TOKEN", ...secrets],
  ]);
}

/** @returns also the names of session tokens that stay as they are deployed, and belong to another key */
function readSlotsToDeploy(
  sent: SecretsToDeploy["sent"],
  { deployed, secrets }: EnvironmentConfig,
) {
  const sessions = sessionPrefixesOf(deployed["BUCKETS"]);
  const mistakes: Mistake[] = [];
  const slots: SlotToDeploy[] = [];
  for (const secretPrefix of new Set(secretPrefixesOf(deployed["BUCKETS"]).values())) {
    const read = readSlots(secretPrefix, sent, () => {}, sessions.has(secretPrefix));
    slots.push(...read.usable.map((slot) => ({ ...slot, secretPrefix })));
    for (const { slot, mistakes: found } of read.unusable) {
      const isBegun = Object.values(secretNames(secretPrefix, slot)).some((name) => name in sent);
      const message = "is missing: a slot needs both secrets";
      const named = found.map((one) => (one.path in sent ? one : { ...one, message }));
      if (isBegun) mistakes.push(...named);
    }
  }
  const tokens = slots
    .filter((slot) => sessions.has(slot.secretPrefix) && !slot.credentials.sessionToken)
    .map(({ secretPrefix, name }) => secretNames(secretPrefix, name).sessionToken);
  for (const path of tokens.filter((name) => secrets.includes(name))) {
    const message = "is missing: [secrets] lists it, and the deployed one belongs to another key";
    mistakes.push({ path, message });
  }
  return { slots, mistakes, tokens };
}

/** What is wrong with a secret, whatever the others are. */
function valueMistake(path: string, value: string): string | undefined {
  if (isOfLocalKey(value)) return "is the one of the local run, which opens only the local S3";
  if (isLocalSigningKey(path, value)) {
    return "is the one of the local run: make one for each environment: docs/signed-urls.md";
  }
  if (/^\$(?:\w+|\{\w+\})$/.test(value)) return "is the name of a variable: write its value here";
  if (path === "HEALTH_TOKEN" || path === "PURGE_TOKEN") {
    const characters = path === "HEALTH_TOKEN" ? 16 : 32;
    const isRight = readToken({ [path]: value }, path) !== undefined;
    return isRight ? undefined : `is not ${characters} or more ASCII characters`;
  }
  if (OIDC_KEYS.includes(path)) return oidcKeyFault(path, value);
  const found: string[] = [];
  if (path === "URL_SIGNING_KEYS") {
    signingKeysOf({ [path]: value }, (_path, message) => found.push(message));
  }
  return found[0];
}
