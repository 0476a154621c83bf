// What S3 and STS (AWS's service that gives session credentials for a role) reply to a slot or a role: for /healthz, and
// for a rotation of keys. It only asks: no reply is remembered, except the session itself, which visitors use, too.
//
// The types are those of the JSON of /healthz, so their fields keep their names and their order.

import type { Bucket, Role } from "../config/bucket.ts";
import { maskKeyId, type Slot } from "../config/slot.ts";
import {
  isRefusal,
  mistakeText,
  type Refusal,
  type SlotName,
  upstreamOf,
} from "../http/refusal.ts";
import type { S3Reply } from "../http/s3-reply.ts";
import type { RequestScope } from "../http/send.ts";
import { getSession } from "./get-session.ts";
import { issuerKeysOf } from "./issuer-keys.ts";
import { roleMemoryOf } from "./memories.ts";
import { openObject } from "./open-object.ts";
import type { Credential, OpenedObject } from "./opened-object.ts";
import { isStsFailure } from "./session.ts";
import { isGone } from "./verdict.ts";

/** How S3 answers one credential. */
type CredentialHealth = {
  /** `ok`, S3's code, its status without a code, or `unreachable`. */
  state: string;
  /** The status of S3's answer, if `state` is not `ok`. */
  answered?: number | undefined;
  /** The bucket's region according to S3, if it is not the configured one (A5). */
  region?: string | undefined;
  /** How far S3's clock is ahead of the Worker's: s. */
  clock?: number | undefined;
  /** 404 if S3 reports a missing object as missing, else 403: the key may not list the bucket (A6). */
  missing?: number | undefined;
};

/** How S3 answers a slot; or `incomplete` as its state, where the Worker cannot use the slot. */
export type SlotHealth = CredentialHealth & {
  slot: SlotName;
  /** The end of the key id; absent for an incomplete slot. */
  access_key?: string;
  /** What is wrong with the secrets of an incomplete slot. */
  mistakes?: string[];
};

/** How STS answers a role, and S3 the credentials that STS gave. The state may be STS's code. */
export type RoleHealth = CredentialHealth & {
  /** The ARN of the role. */
  role: string;
  /** What to do where STS gives no credentials. */
  reason?: string;
  /** When the credentials expire: ISO 8601. */
  expires?: string;
  /** STS's code, if it gives no new credentials, while the old ones are good. */
  renewal?: string | undefined;
  /** What is wrong with the keys of the issuer. */
  mistakes?: string[];
};

export function isWorking({ state }: Pick<SlotHealth, "state">): boolean {
  return state === "ok";
}

/** Asks S3 with a slot. */
export async function checkSlot(
  bucket: Bucket,
  slot: Slot,
  scope: RequestScope,
): Promise<SlotHealth> {
  const health = await checkCredential(bucket, slot, scope);
  return { slot: slot.name, access_key: maskKeyId(slot), ...health };
}

/** Takes the role, or uses its current credentials, and asks S3 with them. */
export async function checkRole(
  bucket: Bucket,
  role: Role,
  scope: RequestScope,
): Promise<{ role: RoleHealth; session?: Credential }> {
  const memory = roleMemoryOf(role);
  const issuerKeys = await issuerKeysOf(role.oidc);
  const mistakes = issuerKeys.mistakes.map(mistakeText);
  const hasMistakes = mistakes.length > 0;

  const session = await getSession(memory, scope);
  if (isStsFailure(session)) {
    const { code, reason } = session;
    return { role: { role: role.arn, state: code, reason, ...(hasMistakes && { mistakes }) } };
  }

  const health = await checkCredential(bucket, session, scope);
  const roleHealth = {
    role: role.arn,
    ...health,
    expires: new Date(session.expires).toISOString(),
    renewal: memory.state().failure?.code,
    ...(hasMistakes && { mistakes }),
  };
  return { role: roleHealth, session };
}

/** Requests a missing object and the canary (an object of the bucket that is there for such requests). */
async function checkCredential(
  bucket: Bucket,
  credential: Credential,
  scope: RequestScope,
): Promise<CredentialHealth> {
  const options = { ...scope, part: "head", credential } as const;
  const [missing, canary] = await Promise.all([
    openObject(bucket, missingKey(bucket), options),
    bucket.canary ? openObject(bucket, bucket.canary, options) : undefined,
  ]);

  const reply = s3ReplyOf(missing);
  const isAccepted = isAboutObject(missing);
  const facts = {
    region: reply?.region === bucket.region ? undefined : reply?.region,
    clock: reply?.ahead,
    missing: isAccepted ? missingStatus(missing) : undefined,
  };

  // A missing canary does not mean that the credential is wrong.
  const isReadable = !canary || !isRefusal(canary) || canary.event === "object-missing";
  if (isAccepted && isReadable) return { state: "ok", ...facts };

  // If S3 accepts the credential, it is the canary that S3 refuses.
  const refusedReply = s3ReplyOf(isAccepted ? canary : missing);
  return { state: failureState(refusedReply), answered: refusedReply?.status, ...facts };
}

/** A key that no object has. */
export function missingKey({ prefix }: Pick<Bucket, "prefix">): string {
  return `${prefix}vitrine-health-${crypto.randomUUID()}`;
}

/** @returns undefined if S3 gave the object, or did not answer */
function s3ReplyOf(opened: OpenedObject | Refusal | undefined): S3Reply | undefined {
  if (opened === undefined || !isRefusal(opened)) return undefined;
  return upstreamOf(opened).s3;
}

/** Returns whether S3 refuses the object (object-missing, object-denied), and so accepts the credential. */
function isAboutObject(opened: OpenedObject | Refusal): opened is Refusal {
  return isRefusal(opened) && opened.event.startsWith("object-");
}

function missingStatus(missing: Refusal): number {
  return isGone(missing) ? 404 : 403;
}

function failureState(reply: S3Reply | undefined): string {
  // S3 may answer with any text as its code: the code "ok" does not make the credential work.
  if (reply?.code && reply.code !== "ok") return reply.code;
  return `${reply?.status ?? "unreachable"}`;
}
