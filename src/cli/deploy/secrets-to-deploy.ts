// Chooses which secrets of a file are deployed, or says all that is wrong with the file. No I/O. No message holds any
// part of a secret.

import type { Mistake } from "../../worker/base/refusal.ts";
import {
  readSlots,
  readToken,
  secretNames,
  signingKeysOf,
} from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import type { Slot } from "../../worker/config/slot.ts";
import type { Fault } from "../command.ts";
import { sessionWords, wordsOf } from "../config/buckets.ts";
import type { KnownVars } from "../config/environment-config.ts";
import { isLocalSigningKey, isOfLocalKey } from "../config/local-run.ts";
import { OIDC_KEYS, oidcKeyFault } from "../secrets/oidc-key.ts";
import { slotSecretNames } from "../secrets/secrets.ts";
import { hintFor } from "../wrangler/config-file.ts";

export type SlotToDeploy = Slot & { readonly secretPrefix: string };

export type SecretsToDeploy = {
  readonly sent: Readonly<Record<string, string>>;
  /** The slots that are complete. */
  readonly slots: readonly SlotToDeploy[];
  /** What is not deployed, and what may not fit what is deployed: whole lines. */
  readonly warnings: readonly string[];
};

/** @param given what the file says: what the Worker uses of it, and is not empty, is deployed */
export function chooseSecrets(
  given: Vars,
  file: string,
  known: KnownVars,
): SecretsToDeploy | Fault {
  const prefixes = [...new Set(wordsOf(known.deployed["BUCKETS"]).values())];
  const used = new Set([
    ...[...prefixes.flatMap(slotSecretNames), ...known.secrets],
    ...(known.deployed["OIDC"] === undefined ? [] : OIDC_KEYS),
    ...["HEALTH_TOKEN", "URL_SIGNING_KEYS", "PURGE_TOKEN"],
  ]);
  const sent = Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      used.has(name) && typeof value === "string" && value !== "" ? [[name, value]] : [],
    ),
  );
  const sessions = sessionWords(known.deployed["BUCKETS"]);
  const mistakes: Mistake[] = [];
  const slots: SlotToDeploy[] = [];
  for (const secretPrefix of prefixes) {
    const read = readSlots(secretPrefix, sent, () => {}, sessions.has(secretPrefix));
    slots.push(...read.usable.map((slot) => ({ ...slot, secretPrefix })));
    for (const { slot, mistakes: found } of read.unusable) {
      const isBegun = Object.values(secretNames(secretPrefix, slot)).some((name) => name in sent);
      const half = "is missing: a slot needs both secrets";
      const named = found.map((one) => (one.path in sent ? one : { ...one, message: half }));
      mistakes.push(...(isBegun ? named : []));
    }
  }
  // Such a token stays as it is deployed, and belongs to another key.
  const tokens = slots
    .filter((slot) => sessions.has(slot.secretPrefix) && !slot.credentials.sessionToken)
    .map(({ secretPrefix, name }) => secretNames(secretPrefix, name).sessionToken);
  for (const path of tokens.filter((name) => known.secrets.includes(name))) {
    const message = "is missing: [secrets] lists it, and the deployed one belongs to another key";
    mistakes.push({ path, message });
  }
  for (const [path, value] of Object.entries(sent)) {
    const message = valueMistake(path, value);
    if (message !== undefined) mistakes.push({ path, message });
  }
  const ignored = Object.keys(given).filter((name) => !(name in sent));
  const ignoredText = `the Worker does not use ${ignored.join(", ")} of ${file}, or it is empty: docs/configuration.md, “Credentials of a bucket”`;
  if (mistakes.length > 0) {
    const lines = mistakes.map(({ path, message }) => `\n  ${path}: ${message}`);
    return { fault: `${file} has mistakes. Nothing is deployed:${lines.join("")}` };
  }
  if (Object.keys(sent).length === 0) {
    const hint =
      "write each value as AWS_ACCESS_KEY_ID='…', or all as JSON: docs/deploy.md, step 5";
    return {
      fault: [
        `${file} has no secret to deploy. Nothing is deployed:`,
        hint,
        ...(ignored.length > 0 ? [ignoredText] : []),
      ].join("\n  "),
    };
  }
  const warnings = tokens.map((name) => {
    const problem = `${file} has a new key without ${name}: if the Worker has one, S3 refuses the two together`;
    const remedy = `npx vitrine rotate changes both in one step. Or, after this deploy, npx wrangler secret delete ${name}, if npx wrangler secret list shows it`;
    return hintFor(known, `${problem}: ${remedy}`);
  });
  return { sent, slots, warnings: ignored.length > 0 ? [ignoredText, ...warnings] : warnings };
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
