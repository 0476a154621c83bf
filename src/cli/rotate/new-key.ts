// The new key: reads it from a file or a terminal, and asks S3 whether it accepts it. Never prints it.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { addAbortSignal } from "node:stream";
import { buffer } from "node:stream/consumers";
import { parseEnv } from "node:util";
import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import { mistakeText } from "../../worker/base/refusal.ts";
import { readSlots } from "../../worker/config/read-secrets.ts";
import type { Slot } from "../../worker/config/slot.ts";
import { S3_TIMEOUT_MS } from "../../worker/origin/open-object.ts";
import { trySlot, works } from "../../worker/try-slot.ts";
import type { Fault, World } from "../command.ts";
import { cutFault, decodeText } from "../secrets/secrets.ts";
import { askHidden, type Cancelled, hasTerminal } from "../terminal/prompts.ts";
import { createKey } from "./command-lines.ts";
import type { KeyRefused, Plan, Target } from "./plan.ts";

/** Takes the new key from a file, from stdin (`-`), or from the terminal (undefined). */
export async function takeKey(world: World, plan: Plan): Promise<Slot | Fault | Cancelled> {
  const file = plan.options.keyFile;
  if (file !== undefined) {
    try {
      const given =
        file === "-"
          ? await buffer(addAbortSignal(world.interrupted, world.stdin))
          : readFileSync(resolve(world.folder, file));
      return readKey(decodeText(given), `--key-file ${file}`, plan);
    } catch (error) {
      if (world.interrupted.aborted) return "cancelled";
      if (!(error instanceof Error)) throw error;
      const missing = "code" in error && error.code === "ENOENT";
      return { fault: `--key-file ${file}: ${missing ? "there is no such file" : error.message}` };
    }
  }
  if (!hasTerminal(world)) {
    return { fault: "There is no terminal to ask for the new key. Name a file: --key-file" };
  }
  const id = await askHidden(world, "The new key's id");
  if (id === "cancelled") return id;
  const secret = await askHidden(world, "Its secret");
  if (secret === "cancelled") return secret;
  return openKey(id, secret, "The new key");
}

/** Reads what `aws iam create-access-key` prints, or lines KEY=VALUE. */
function readKey(given: string, from: string, plan: Plan): Slot | Fault {
  const printed = parseJson(given);
  const { AccessKeyId, SecretAccessKey } =
    isPlainObject(printed) && isPlainObject(printed["AccessKey"]) ? printed["AccessKey"] : {};
  const lines = isPlainObject(printed) ? {} : parseEnv(given);
  const cut = isPlainObject(printed) ? undefined : cutFault(given);
  if (cut !== undefined) return { fault: `${from}: ${cut}` };
  const id = AccessKeyId ?? lines["AWS_ACCESS_KEY_ID"];
  const secret = SecretAccessKey ?? lines["AWS_SECRET_ACCESS_KEY"];
  const token =
    isPlainObject(printed) && isPlainObject(printed["Credentials"])
      ? "SessionToken"
      : "AWS_SESSION_TOKEN";
  if (token === "SessionToken" || lines[token]) {
    const why = `has a ${token}: a rotation puts permanent keys, and session credentials expire by themselves`;
    // A11: the Worker refuses a token, and shows nothing then, if a bucket needs the edge.
    const remedy = plan.hasSessions
      ? "Put all three secrets at once: docs/rotate.md, “Session credentials”"
      : `Make a permanent key: ${createKey(plan)}`;
    return { fault: `${from} ${why}. ${remedy}` };
  }
  if (typeof id !== "string" || typeof secret !== "string") {
    const lines = "lines AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…";
    return { fault: `${from} has no key: neither the output of create-access-key, nor ${lines}` };
  }
  return openKey(id, secret, from);
}

function openKey(id: string, secret: string, from: string): Slot | Fault {
  const secrets = { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret };
  const { usable, unusable } = readSlots("AWS", secrets, () => {});
  const [slot] = usable;
  if (slot !== undefined) return slot;
  const mistakes = unusable.flatMap((one) => one.mistakes.map(mistakeText));
  return { fault: `${from}: ${mistakes.join("; ")}` };
}

/** A key needs no session that is renewed in the background. */
const context = { waitUntil: () => {} };

/** Tries a key on every bucket. @returns the buckets whose S3 refuses it, with S3's code */
export async function tryKey(slot: Slot, buckets: readonly Target[]): Promise<KeyRefused[]> {
  const tried = await Promise.all(
    buckets.map(async (bucket) => {
      const health = await trySlot(bucket, slot, { context, deadline: Date.now() + S3_TIMEOUT_MS });
      return works(health) ? [] : [{ bucket: bucket.name, state: health.state }];
    }),
  );
  return tried.flat();
}
