// The new key: reads it from its file, and asks S3 whether it accepts the key. Never prints the secret.

import { resolve } from "node:path";
import { readSlots } from "../../worker/config/read-secrets.ts";
import { maskKeyId, type Slot } from "../../worker/config/slot.ts";
import { mistakeText } from "../../worker/http/refusal.ts";
import { NO_CONTEXT } from "../../worker/http/send.ts";
import { checkSlot, isWorking } from "../../worker/origin/health.ts";
import { S3_TIMEOUT_MS } from "../../worker/origin/opened-object.ts";
import { isPlainObject } from "../../worker/util/json.ts";
import { type CommandFault, isFault, log } from "../command.ts";
import { readTable, readText } from "../secrets/secrets.ts";
import type { KeyedRotation } from "./rotation.ts";

const NO_KEY =
  "has no key: neither the output of create-access-key, nor the console's accessKeys.csv, nor lines AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…";

const PRINTED_NAMES = ["AccessKeyId", "SecretAccessKey", "SessionToken"];
const VARIABLES = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/** Reads what `aws iam create-access-key` prints, what AWS's console downloads, or lines KEY=VALUE. */
export function readNewKey(folder: string, file: string): Slot | CommandFault {
  const refuse = (reason: string): CommandFault => ({ fault: `--key-file ${file} ${reason}` });
  const path = resolve(folder, file);
  const read = file.endsWith(".csv") ? readCsv(path) : readTable(path);
  if (isFault(read)) return refuse(`cannot be read: ${read.fault}`);
  const lines = isPlainObject(read.table) ? read.table : {};
  const printed = lines["AccessKey"] ?? lines["Credentials"];
  const [id, secret, token] = isPlainObject(printed)
    ? PRINTED_NAMES.map((name) => printed[name])
    : VARIABLES.map((name) => lines[name]);
  if (token) return refuse("has a session token: docs/rotate.md, “Session credentials”");
  if (typeof id !== "string" || typeof secret !== "string") return refuse(NO_KEY);
  const secrets = { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret };
  const { usable, unusable } = readSlots("AWS", secrets, () => {});
  const [slot] = usable;
  const mistakes = unusable.flatMap((slot) => slot.mistakes.map(mistakeText));
  if (slot === undefined) return refuse(`is wrong: ${mistakes.join("; ")}`);
  if (maskKeyId(slot) !== "…") return slot;
  return refuse("has an id too short to tell it from others. Rotate by hand: docs/rotate.md");
}

const CSV_COLUMNS = { id: "Access key ID", secret: "Secret access key" };

/** Reads the accessKeys.csv of AWS's console: a line with the names of the columns, and one with the key. */
function readCsv(path: string): { readonly table: unknown } | CommandFault {
  try {
    const [names = [], values = []] = readText(path)
      .split(/\r?\n/)
      .map((line) => line.split(","));
    const table = {
      AWS_ACCESS_KEY_ID: values[names.indexOf(CSV_COLUMNS.id)],
      AWS_SECRET_ACCESS_KEY: values[names.indexOf(CSV_COLUMNS.secret)],
    };
    return { table };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : `${error}` };
  }
}

/** How often S3 is asked about a key that it does not know: a new key is not known everywhere at once. */
const MAX_TRIES = 5;
const UNKNOWN_KEY = /^(?:InvalidAccessKeyId|Unauthorized)$/;

/**
 * Asks S3 with the new key for the canary of every bucket.
 * @returns why the key must not be put. After Ctrl-C, that says nothing of the key
 */
export async function tryKey(rotation: KeyedRotation): Promise<CommandFault | undefined> {
  const { world, tools, buckets, key, polling } = rotation;
  for (let tries = 1; ; tries += 1) {
    const scope = { context: NO_CONTEXT, deadline: Date.now() + S3_TIMEOUT_MS };
    const results = await Promise.all(
      buckets.map(async (bucket) => ({
        bucket: bucket.name,
        ...(await checkSlot(bucket, key, scope)),
      })),
    );
    const refused = results.filter((health) => !isWorking(health));
    if (refused.length === 0) return undefined;
    const isUnknown = refused.some(({ state }) => UNKNOWN_KEY.test(state));
    if (!isUnknown || tries === MAX_TRIES || world.interrupted.aborted) {
      const codes = refused.map(({ bucket, state }) => `  ${bucket}: ${state}`);
      const advice =
        "Is it complete, active, and of the right account? May it read the canary? See docs/deploy.md, step 4";
      const fault = ["S3 does not accept the new key, so it is not put:", ...codes, advice];
      return { fault: fault.join("\n") };
    }
    log(world.stderr, "  S3 does not know the new key yet. Asking again ...");
    await tools.sleep(polling.intervalS * 1000, world.interrupted);
  }
}
