// Texts that advise the operator where a rotation stops, and at its end. They change nothing. Each is a complete command or a
// question, and whoever follows it comes further: test/cli/rotate/model.test.ts does so. No part of them is secret. The slots
// `current` and `next` of a bucket each hold one key pair. A rotation puts the new key into `next` first.

import { secretNames } from "../../worker/config/read-secrets.ts";
import type { SlotName } from "../../worker/http/refusal.ts";
import type { BucketHealth } from "../../worker/operator.ts";
import type { CommandFault } from "../command.ts";
import { usesLocalS3 } from "../config/project.ts";
import { commandLine, shellQuote } from "../terminal/shell.ts";
import { commandFor, configFileText } from "../wrangler/config-file.ts";
import {
  commandOf,
  hasKnownUser,
  iamCommand,
  type KeyedRotation,
  type Rotation,
} from "./rotation.ts";
import { type Blocked, FILL, isServed, type Step, slotOf } from "./steps.ts";

/** The old key, and whether S3 accepted it in every bucket at the beginning. */
export type OldKey = {
  readonly maskedId: string | undefined;
  readonly isAccepted: boolean;
};

/**
 * Says why no step may begin, and what to do.
 * @param last the step that this run has done last; undefined: it has done none
 */
export function blockedFault(
  rotation: KeyedRotation,
  last: Step | undefined,
  blocked: Blocked,
  oldKey: OldKey,
): CommandFault {
  const title =
    last === undefined
      ? "At the beginning, something is wrong:"
      : `After “${last.title}”, something is wrong:`;

  const lines = [
    title,
    ...blocked.details.map((detail) => `  ${detail}`),
    ...blockedAdvice(rotation, last, blocked, oldKey),
    `When this is fixed, go on with: ${commandOf(rotation)}`,
  ];
  return { fault: lines.join("\n") };
}

function blockedAdvice(
  rotation: KeyedRotation,
  last: Step | undefined,
  { cause, buckets }: Blocked,
  oldKey: OldKey,
): string[] {
  const { envConfig, baseUrl, isLocalRun } = rotation;
  switch (cause) {
    case "no-health":
      return ["The state of the slots is unknown. Leave them as they are."];

    case "outage":
      return ["S3 is down or busy. The keys are not the cause. Leave the slots as they are."];

    case "images": {
      const doctor = commandLine("doctor", { env: envConfig.environment, url: baseUrl });
      return [`S3 accepts the keys in the slots. Look for another cause: ${doctor}`];
    }

    // The Worker does not have what the last step put.
    case "absent":
      if (isLocalRun) return ["Is npx vitrine dev running in this folder?"];
      return [
        `Is the Worker at ${baseUrl} that of ${configFileText(envConfig)}? Does another rotation run?`,
      ];

    case "taken":
      return takenAdvice(rotation, buckets);

    case "refused":
      return refusedAdvice(rotation, last, buckets, oldKey);

    default:
      return cause satisfies never;
  }
}

/** Some bucket is served by one slot alone: to change it would end its pictures. */
const LEAVE_SLOTS = "Leave the slots as they are: a bucket has no other that works.";

/** What to do about a next slot that holds another key. */
function takenAdvice(rotation: KeyedRotation, buckets: readonly BucketHealth[]): string[] {
  if (!buckets.some(isServedByNextAlone)) {
    return [
      "If another rotation runs, let it end. If not, empty the next slot:",
      ...secretCommands(rotation, "next", "delete"),
    ];
  }

  const isNextAccepted = buckets.every((bucket) => isAccepted(bucket, "next"));
  if (!isNextAccepted) return [LEAVE_SLOTS];

  return [
    "Only that key serves a bucket. Give its own file to --key-file, or put it into the current slot by hand:",
    ...secretCommands(rotation, "current", "put"),
  ];
}

/** What to do about a new key that S3 refuses. */
function refusedAdvice(
  rotation: KeyedRotation,
  last: Step | undefined,
  buckets: readonly BucketHealth[],
  oldKey: OldKey,
): string[] {
  if (buckets.some(isServedByNextAlone)) return [LEAVE_SLOTS];

  if (buckets.every(isServed)) {
    return [
      "To go back, empty the next slot. The current one is as it was:",
      ...secretCommands(rotation, "next", "delete"),
    ];
  }

  // No slot of some bucket works. The current slot may serve another bucket, so the old key goes into the next one. After FILL, the
  // old key is still in the current slot, and S3 refuses it there.
  if (oldKey.isAccepted && last !== FILL) {
    return [
      "No slot of a bucket works. Put the old key into the next slot:",
      ...secretCommands(rotation, "next", "put"),
    ];
  }

  return [
    `No slot of a bucket works. Make another key: ${iamCommand(rotation, "create-access-key")}`,
    "Empty the next slot, and start again with the file of that key:",
    ...secretCommands(rotation, "next", "delete"),
  ];
}

/** Returns whether S3 accepts this slot of a bucket. */
function isAccepted(bucket: BucketHealth, name: SlotName): boolean {
  return slotOf(bucket, name)?.state === "ok";
}

function isServedByNextAlone(bucket: BucketHealth): boolean {
  return isAccepted(bucket, "next") && !isAccepted(bucket, "current");
}

export function deactivateAdvice(rotation: KeyedRotation, { maskedId }: OldKey): string[] {
  if (usesLocalS3(rotation)) return ["There is no old key: the local S3 knows only one."];

  const { newMaskedId, options } = rotation;
  const ending = maskedId ? `ends in ${maskedId}` : `does not end in ${newMaskedId}`;

  const updateCommand = iamCommand(rotation, "update-access-key");
  const deleteCommand = iamCommand(rotation, "delete-access-key");
  const update = `${updateCommand} --access-key-id <the old id>`;
  return [
    ...userAdvice(rotation),
    "If another bucket or environment has the old key, too, rotate there first.",
    `Deactivate the old key, whose id ${ending}. Nothing here can see whether you do.`,
    `  Whole ids: ${iamCommand(rotation, "list-access-keys")}`,
    `  ${update} --status Inactive`,
    `If images fail then, activate it again: ${update} --status Active`,
    `A day later, delete it: ${deleteCommand} --access-key-id <the old id>`,
    `Remove the file of the new key: rm ${shellQuote(options.keyFile ?? "")}`,
  ];
}

/** How to find the IAM user of a key, where the name is not that of the documentation. */
export function userAdvice(rotation: Rotation): string[] {
  if (hasKnownUser(rotation)) return [];

  const { secretPrefix } = rotation;
  const { accessKeyId } = secretNames(secretPrefix, "current");
  return [
    `The user of ${secretPrefix} is not known here. It is in: aws iam get-access-key-last-used --access-key-id <${accessKeyId}>`,
  ];
}

/** The commands that change a slot by hand. wrangler asks for each value. */
function secretCommands(rotation: Rotation, slot: SlotName, verb: "put" | "delete"): string[] {
  const { secretPrefix, canHoldSessions, isLocalRun, envConfig } = rotation;
  const { accessKeyId, secretAccessKey, sessionToken } = secretNames(secretPrefix, slot);
  if (isLocalRun) return [`  ${envConfig.devVars}: ${verb} ${accessKeyId} and ${secretAccessKey}`];

  const lines = [
    `  ${commandFor(envConfig, `npx wrangler secret ${verb} ${accessKeyId}`)}`,
    `  ${commandFor(envConfig, `npx wrangler secret ${verb} ${secretAccessKey}`)}`,
  ];
  if (canHoldSessions) {
    const command = commandFor(envConfig, `npx wrangler secret ${verb} ${sessionToken}`);
    lines.push(`  ${command}   # if it has one`);
  }
  return lines;
}
