// Texts that advise the operator where a rotation stops, and at its end. They change nothing. Each can be followed as
// it is printed, and leads on: test/cli/rotate/model.test.ts does so. No part of them is secret.

import { secretNames } from "../../worker/config/read-secrets.ts";
import type { SlotName } from "../../worker/http/refusal.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import type { CommandFault } from "../command.ts";
import { usesLocalS3 } from "../config/project.ts";
import { commandLine, shellQuote } from "../terminal/shell.ts";
import { configFileText, envFlag } from "../wrangler/config-file.ts";
import {
  commandOf,
  hasKnownUser,
  iamCommand,
  type KeyedRotation,
  type Rotation,
} from "./rotation.ts";
import { type Blocked, CREATE, FILL, isServed, type Step, slotOf } from "./steps.ts";

/** The old key, and whether S3 accepted it in every bucket at the beginning. */
export type OldKey = { readonly maskedId: string | undefined; readonly isAccepted: boolean };

export function blockedFault(
  rotation: KeyedRotation,
  last: Step,
  blocked: Blocked,
  oldKey: OldKey,
): CommandFault {
  const after = last === CREATE ? "At the beginning" : `After “${last.title}”`;
  const details = blocked.details.map((line) => `  ${line}`);
  const advice = blockedAdvice(rotation, last, blocked, oldKey);
  const command = `When this is fixed, go on with: ${commandOf(rotation)}`;
  return { fault: [`${after}, something is wrong:`, ...details, ...advice, command].join("\n") };
}

function blockedAdvice(
  rotation: KeyedRotation,
  last: Step,
  { cause, buckets }: Blocked,
  { isAccepted }: OldKey,
): string[] {
  const { envConfig, baseUrl, isLocalRun } = rotation;
  const doctor = commandLine("doctor", { env: envConfig.environment, url: baseUrl });
  const texts = {
    "no-health": "The state of the slots is unknown. Leave them as they are.",
    outage: "S3 is down or busy. The keys are not the cause. Leave the slots as they are.",
    images: `S3 accepts the keys in the slots. Look for another cause: ${doctor}`,
    absent: isLocalRun
      ? "Is npx vitrine dev running in this folder?"
      : `Is the Worker at ${baseUrl} that of ${configFileText(envConfig)}? Does another rotation run?`,
  };
  if (cause !== "taken" && cause !== "refused") return [texts[cause]];
  const emptyNext = secretCommands(rotation, "next", "delete");
  const isOk = (bucket: BucketHealth, name: SlotName) => slotOf(bucket, name)?.state === "ok";
  if (buckets.some((bucket) => isOk(bucket, "next") && !isOk(bucket, "current"))) {
    if (cause === "refused" || !buckets.every((bucket) => isOk(bucket, "next"))) {
      return ["Leave the slots as they are: a bucket has no other that works."];
    }
    const promote = "Give its own file to --key-file, or put it into the current slot by hand:";
    const commands = secretCommands(rotation, "current", "put");
    return [`Only that key serves a bucket. ${promote}`, ...commands];
  }
  if (cause === "taken") {
    return ["If another rotation runs, let it end. If not, empty the next slot:", ...emptyNext];
  }
  if (buckets.every(isServed)) {
    return ["To go back, empty the next slot. The current one is as it was:", ...emptyNext];
  }
  const nothing = "No slot of a bucket works.";
  if (isAccepted && last !== FILL) {
    const commands = secretCommands(rotation, "next", "put"); // the current one may serve a bucket
    return [`${nothing} Put the old key into the next slot:`, ...commands];
  }
  const empty = "Empty the next slot, and start again with the file of that key:";
  return [`${nothing} Make another key: ${iamCommand(rotation, "create")}`, empty, ...emptyNext];
}

export function deactivateAdvice(rotation: KeyedRotation, { maskedId }: OldKey): string[] {
  if (usesLocalS3(rotation)) return ["There is no old key: the local S3 knows only one."];
  const { newMaskedId, options } = rotation;
  const command = (verb: string) => `${iamCommand(rotation, verb)} --access-key-id <the old id>`;
  const ending = maskedId ? `ends in ${maskedId}` : `does not end in ${newMaskedId}`;
  return [
    ...userAdvice(rotation),
    "If another bucket or environment has the old key, too, rotate there first.",
    `Deactivate the old key, whose id ${ending}. Nothing here can see whether you do.`,
    `  Whole ids: ${iamCommand(rotation, "list", "access-keys")}`,
    `  ${command("update")} --status Inactive`,
    `If images fail then, activate it again: ${command("update")} --status Active`,
    `A day later, delete it: ${command("delete")}`,
    `Remove the file of the new key: rm ${shellQuote(options.keyFile ?? "")}`,
  ];
}

/** How to find the IAM user of a key, where the name is not that of the documentation. */
export function userAdvice(rotation: Rotation): string[] {
  if (hasKnownUser(rotation)) return [];
  const { secretPrefix } = rotation;
  const { accessKeyId } = secretNames(secretPrefix);
  const command = "aws iam get-access-key-last-used --access-key-id";
  return [`The user of ${secretPrefix} is not known here. It is in: ${command} <${accessKeyId}>`];
}

/** The commands that change a slot by hand. wrangler asks for each value. */
function secretCommands(rotation: Rotation, slot: SlotName, verb: "put" | "delete") {
  const { secretPrefix, hasSessions, isLocalRun, envConfig } = rotation;
  const { accessKeyId, secretAccessKey, sessionToken } = secretNames(secretPrefix, slot);
  if (isLocalRun) return [`  ${envConfig.devVars}: ${verb} ${accessKeyId} and ${secretAccessKey}`];
  const command = (name: string) => `  npx wrangler secret ${verb} ${name}${envFlag(envConfig)}`;
  const session = hasSessions ? [`${command(sessionToken)}   # if it has one`] : [];
  return [command(accessKeyId), command(secretAccessKey), ...session];
}
