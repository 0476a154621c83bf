// What S3 and STS reply to a slot or a role: for /healthz, and for a rotation. The fields with `_` are those of the
// JSON of /healthz.

import type { Bucket, Role } from "../config/bucket.ts";
import { maskKeyId, type Slot } from "../config/slot.ts";
import {
  isRefusal,
  mistakeText,
  type Refusal,
  type SlotName,
  upstreamOf,
} from "../http/refusal.ts";
import type { RequestScope } from "../http/send.ts";
import { getSession } from "./get-session.ts";
import { issuerKeysOf } from "./issuer-keys.ts";
import { roleMemoryOf } from "./memories.ts";
import { type Credential, openObject } from "./open-object.ts";
import { isStsFailure } from "./session.ts";
import { isGone } from "./verdict.ts";

/** How S3 answers a slot, or why the Worker cannot use it. */
export type SlotHealth = {
  slot: SlotName;
  /** The end of the key id; absent for an incomplete slot. */
  access_key?: string;
  /** `ok`, S3's code, `unreachable`, or `incomplete`. */
  state: string;
  /** The status of S3's answer, if `state` is not `ok`. */
  answered?: number | undefined;
  /** What is wrong with the secrets of an incomplete slot. */
  mistakes?: string[];
  /** The bucket's region according to S3, if it is not the configured one (A5). */
  region?: string | undefined;
  /** How far S3's clock is ahead of the Worker's: s. */
  clock?: number | undefined;
  /** 404 if S3 reports a missing object as missing, else 403: the key may not list the bucket (A6). */
  missing?: number | undefined;
};

/** How STS answers a role, and S3 the credentials that STS gave. */
export type RoleHealth = Omit<SlotHealth, "slot" | "access_key"> & {
  /** The ARN of the role. */
  role: string;
  /** What to do where STS gives none. */
  reason?: string;
  /** When the credentials expire: ISO 8601. */
  expires?: string;
  /** STS's code, if it gives no new ones, while the old ones are good. */
  renewal?: string | undefined;
};

export function isWorking({ state }: Pick<SlotHealth, "state">): boolean {
  return state === "ok";
}

/** A key that no object has. */
export function missingKey({ prefix }: Pick<Bucket, "prefix">): string {
  return `${prefix}vitrine-health-${crypto.randomUUID()}`;
}

/** Requests a missing object and the canary with a slot. */
export async function checkSlot(
  bucket: Bucket,
  slot: Slot,
  scope: RequestScope,
): Promise<SlotHealth> {
  const open = (key: string) =>
    openObject(bucket, key, { ...scope, part: "head", credential: slot });
  const [missing, canary] = await Promise.all([
    open(missingKey(bucket)),
    bucket.canary ? open(bucket.canary) : undefined,
  ]);
  // object-missing and object-denied are about the object: S3 accepts the slot, and its reply for the canary decides.
  const isAccepted = isRefusal(missing) && missing.event.startsWith("object-");
  // A missing canary does not mean that the slot is wrong.
  const isReadable = !canary || !isRefusal(canary) || canary.event === "object-missing";
  const { region, ahead } = replyOf(missing);
  const { code, status: answered } = replyOf(isAccepted && canary ? canary : missing);
  const isOk = isAccepted && isReadable;
  // A code of S3 that happens to be "ok" does not make the slot work.
  const failure = code && code !== "ok" ? code : `${answered ?? "unreachable"}`;
  return {
    slot: slot.name,
    access_key: maskKeyId(slot),
    state: isOk ? "ok" : failure,
    answered: isOk ? undefined : answered,
    region: region === bucket.region ? undefined : region,
    clock: ahead,
    missing: isAccepted ? (isGone(missing) ? 404 : 403) : undefined,
  };
}

function replyOf(opened: object | Refusal) {
  return (isRefusal(opened) && upstreamOf(opened).s3) || {};
}

/** Takes the role, or uses its current credentials, and requests an object with them. */
export async function checkRole(
  bucket: Bucket,
  role: Role,
  scope: RequestScope,
): Promise<{ role: RoleHealth; session?: Credential }> {
  const memory = roleMemoryOf(role);
  const { mistakes: keyMistakes } = await issuerKeysOf(role.oidc);
  const mistakes = keyMistakes.length > 0 && { mistakes: keyMistakes.map(mistakeText) };
  const session = await getSession(memory, scope);
  if (isStsFailure(session)) {
    const { code, reason } = session;
    return { role: { role: role.arn, state: code, reason, ...mistakes } };
  }
  const { credentials, expires } = session;
  const health = await checkSlot(bucket, { name: "current", credentials }, scope);
  const { slot: _slot, access_key: _key, ...sessionHealth } = health;
  const renewal = memory.state().failure?.code;
  const times = { expires: new Date(expires).toISOString(), renewal };
  return { role: { role: role.arn, ...sessionHealth, ...times, ...mistakes }, session };
}
