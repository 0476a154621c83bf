// The new key: reads it from its file, and asks S3 whether it accepts it. Never prints it.

import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import { mistakeText } from "../../worker/base/refusal.ts";
import { readSlots } from "../../worker/config/read-secrets.ts";
import { keyEnd, type Slot } from "../../worker/config/slot.ts";
import { S3_TIMEOUT_MS } from "../../worker/origin/open-object.ts";
import { trySlot, works } from "../../worker/try-slot.ts";
import { type Fault, say } from "../command.ts";
import { cutFault, readText } from "../secrets/secrets.ts";
import type { KeyedRotation } from "./rotation.ts";

const NO_KEY =
  "has no key: neither the output of create-access-key, nor lines AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…";

const SESSION =
  "has a session token, and a rotation puts permanent keys: docs/rotate.md, “Session credentials”";

/** Reads what `aws iam create-access-key` prints, or lines KEY=VALUE. */
export function readKey(folder: string, file: string): Slot | Fault {
  const refuse = (reason: string): Fault => ({ fault: `--key-file ${file} ${reason}` });
  let text: string;
  try {
    text = readText(resolve(folder, file));
  } catch (error) {
    return refuse(`cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  const table = parseJson(text);
  const cut = isPlainObject(table) ? undefined : cutFault(text);
  if (cut !== undefined) return refuse(`is wrong: ${cut}`);
  const { id, secret, token } = isPlainObject(table) ? readPrinted(table) : readLines(text);
  if (token) return refuse(SESSION);
  if (typeof id !== "string" || typeof secret !== "string") return refuse(NO_KEY);
  const secrets = { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret };
  const { usable, unusable } = readSlots("AWS", secrets, () => {});
  const mistakes = unusable.flatMap((one) => one.mistakes.map(mistakeText));
  const [slot] = usable;
  if (slot === undefined) return refuse(`is wrong: ${mistakes.join("; ")}`);
  if (keyEnd(slot) !== "…") return slot;
  return refuse("has an id too short to tell it from others. Rotate by hand: docs/rotate.md");
}

function readPrinted({ AccessKey, Credentials }: Readonly<Record<string, unknown>>) {
  const key = isPlainObject(AccessKey) ? AccessKey : {};
  return { id: key["AccessKeyId"], secret: key["SecretAccessKey"], token: Credentials };
}

function readLines(text: string) {
  const lines = parseEnv(text);
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = lines;
  return { id, secret, token };
}

const UNKNOWN_ID = "S3 does not know this id. Is it complete, active, and of the right account?";
const HINTS: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: UNKNOWN_ID,
  Unauthorized: UNKNOWN_ID,
  SignatureDoesNotMatch: "the secret does not belong to this id, or S3 does not know it",
  AccessDenied:
    "its policy does not allow it to read the canary, or that object does not exist: docs/deploy.md, step 4",
  unreachable: "S3 does not answer this machine",
};

/** How often S3 is asked about a key that it does not know: one that was just made is not known everywhere. */
const MAX_TRIES = 5;

/**
 * Asks S3 with the new key for the canary of every bucket.
 * @returns why the key must not be put
 */
export async function tryKey(rotation: KeyedRotation): Promise<Fault | undefined> {
  const { world, tools, buckets, key } = rotation;
  const context = { waitUntil: () => {} };
  for (let tries = 1; ; tries += 1) {
    const deadline = Date.now() + S3_TIMEOUT_MS;
    const tried = await Promise.all(
      buckets.map(async (bucket) => {
        const health = await trySlot(bucket, key, { context, deadline });
        return { ...health, bucket: bucket.name };
      }),
    );
    const refused = tried.filter((health) => !works(health));
    if (refused.length === 0) return undefined;
    const isUnknown = refused.some(({ state }) => HINTS[state] === UNKNOWN_ID);
    if (!isUnknown || tries === MAX_TRIES || world.interrupted.aborted) {
      const lines = refused.map(
        ({ bucket, state }) => `\n  ${bucket}: ${state}: ${HINTS[state] ?? ""}`,
      );
      return { fault: `S3 does not accept the new key, so it is not put:${lines.join("")}` };
    }
    say(world.stderr, "  S3 does not know the new key yet. Asking again ...");
    await tools.sleep(tools.patience.every * 1000, world.interrupted);
  }
}
