// The new key: reads it from its file, and asks S3 whether it accepts the key. Never prints the secret.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Bucket } from "../../worker/config/bucket.ts";
import { readSlots } from "../../worker/config/read-secrets.ts";
import { maskKeyId, type Slot } from "../../worker/config/slot.ts";
import { mistakeText } from "../../worker/http/refusal.ts";
import { NO_CONTEXT } from "../../worker/http/send.ts";
import { checkSlot, isWorking, type SlotHealth } from "../../worker/origin/health.ts";
import { S3_TIMEOUT_MS } from "../../worker/origin/opened-object.ts";
import { isPlainObject, tableOf } from "../../worker/util/json.ts";
import { type CommandFault, isFault, log, page } from "../command.ts";
import { readTable, readText } from "../secrets/secrets.ts";
import type { KeyedRotation } from "./rotation.ts";

/** Reads what `aws iam create-access-key` prints, what AWS's console downloads, or lines KEY=VALUE. */
export function readNewKey(folder: string, file: string): Slot | CommandFault {
  const path = resolve(folder, file);
  if (!existsSync(path)) {
    return {
      fault: `--key-file ${file}: there is no such file. Make a new key, and write it there: ${page("docs/rotate.md")}`,
    };
  }

  const read = file.endsWith(".csv") ? readCsv(path) : readTable(path);
  if (isFault(read)) return { fault: `--key-file ${file} cannot be read: ${read.fault}` };

  const { id, secret, sessionToken } = findKey(read.table);
  if (sessionToken) {
    return {
      fault: `--key-file ${file} has a session token: ${page("docs/rotate.md")}, “Session credentials”`,
    };
  }

  if (typeof id !== "string" || typeof secret !== "string") {
    return {
      fault: `--key-file ${file} has no key: neither the output of create-access-key, nor the console's accessKeys.csv, nor lines AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…`,
    };
  }

  // `readSlots` checks the form of a key pair. The names of the slot and of its secrets mean nothing here.
  const secrets = { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret };
  const { usable, unusable } = readSlots("AWS", secrets, () => {});
  const [slot] = usable;
  if (slot === undefined) {
    const mistakes = unusable.flatMap((unusableSlot) => unusableSlot.mistakes);
    const texts = mistakes.map(mistakeText);
    return { fault: `--key-file ${file} is wrong: ${texts.join("; ")}` };
  }

  if (maskKeyId(slot) === "…") {
    return {
      fault: `--key-file ${file} has an id too short to tell it from others. Rotate by hand: ${page("docs/rotate.md")}`,
    };
  }
  return slot;
}

/** What a file has of a key. Nothing of it is checked. */
type FoundKey = {
  readonly id: unknown;
  readonly secret: unknown;
  readonly sessionToken: unknown;
};

/** Finds the key in what aws prints, in `AccessKey` or `Credentials`, or in variables. */
function findKey(table: unknown): FoundKey {
  const values = tableOf(table);
  const printed = values["AccessKey"] ?? values["Credentials"];
  if (isPlainObject(printed)) {
    return {
      id: printed["AccessKeyId"],
      secret: printed["SecretAccessKey"],
      sessionToken: printed["SessionToken"],
    };
  }

  return {
    id: values["AWS_ACCESS_KEY_ID"],
    secret: values["AWS_SECRET_ACCESS_KEY"],
    sessionToken: values["AWS_SESSION_TOKEN"],
  };
}

/** Reads the accessKeys.csv of AWS's console: a line with the names of the columns, and one with the key. */
function readCsv(path: string): { readonly table: unknown } | CommandFault {
  let text: string;
  try {
    text = readText(path);
  } catch (error) {
    return { fault: error instanceof Error ? error.message : `${error}` };
  }

  const [nameLine = "", valueLine = ""] = text.split(/\r?\n/);
  const names = nameLine.split(",");
  const values = valueLine.split(",");
  const table = {
    AWS_ACCESS_KEY_ID: values[names.indexOf("Access key ID")],
    AWS_SECRET_ACCESS_KEY: values[names.indexOf("Secret access key")],
  };
  return { table };
}

/** How often S3 is asked about a key that it does not know: a new key is not known everywhere at once. */
const MAX_TRIES = 5;

/** What providers answer to a key that they do not know. */
const UNKNOWN_KEY = /^(?:InvalidAccessKeyId|Unauthorized)$/;

/**
 * Asks S3 with the new key for the canary of every bucket.
 * @returns why the key must not be put. After Ctrl-C, that says nothing of the key
 */
export async function tryKey(rotation: KeyedRotation): Promise<CommandFault | undefined> {
  const { world, tools, buckets, key, polling } = rotation;

  for (let tries = 1; ; tries += 1) {
    const results = await Promise.all(buckets.map((bucket) => tryBucket(bucket, key)));
    const refusals = results.filter(({ health }) => !isWorking(health));
    if (refusals.length === 0) return undefined;

    const isUnknown = refusals.some(({ health }) => UNKNOWN_KEY.test(health.state));
    const canTryAgain = isUnknown && tries < MAX_TRIES && !world.interrupted.aborted;
    if (!canTryAgain) return keyRefused(refusals);

    log(world.stderr, "  S3 does not know the new key yet. Asking again ...");
    await tools.sleep(polling.intervalS * 1000, world.interrupted);
  }
}

/** How S3 answers the new key for a bucket. */
type KeyTrial = {
  readonly bucket: Bucket;
  readonly health: SlotHealth;
};

async function tryBucket(bucket: Bucket, key: Slot): Promise<KeyTrial> {
  const scope = { context: NO_CONTEXT, deadline: Date.now() + S3_TIMEOUT_MS };
  const health = await checkSlot(bucket, key, scope);
  return { bucket, health };
}

function keyRefused(refusals: readonly KeyTrial[]): CommandFault {
  const lines = [
    "S3 does not accept the new key, so it is not put:",
    ...refusals.map(({ bucket, health }) => `  ${bucket.name}: ${health.state}`),
    `Is it complete, active, and of the right account? May it read the canary? See ${page("docs/deploy.md")}, step 4`,
  ];
  return { fault: lines.join("\n") };
}
