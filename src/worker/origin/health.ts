// What S3 and STS (AWS's service that gives session credentials for a role) reply to a slot or a role: for /healthz, and
// for a rotation of keys. It only asks: no reply is remembered, except the session itself, which visitors use, too.
//
// The types are those of the JSON of /healthz, so their fields keep their names and their order.

import type { Bucket, Role } from "../config/bucket.ts";
import { maskKeyId, type Slot } from "../config/slot.ts";
import { detailsOf, isRefusal, mistakeText, type Refusal, type SlotName } from "../http/refusal.ts";
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
  /** The bucket's region according to S3, if it is not the configured one (A5 in docs/rules.md). */
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
  /** What is wrong with the keys of the issuer (the keys with which the Worker proves to STS who it is). */
  mistakes?: string[] | undefined;
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

  // The JSON has no empty list of mistakes.
  const issuerKeys = await issuerKeysOf(role.oidc);
  const hasMistakes = issuerKeys.mistakes.length > 0;
  const mistakes = hasMistakes ? issuerKeys.mistakes.map(mistakeText) : undefined;

  const session = await getSession(memory, scope);
  if (isStsFailure(session)) {
    const { code, reason } = session;
    return { role: { role: role.arn, state: code, reason, mistakes } };
  }

  const health = await checkCredential(bucket, session, scope);
  const roleHealth = {
    role: role.arn,
    ...health,
    expires: new Date(session.expires).toISOString(),
    renewal: memory.state().failure?.code,
    mistakes,
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

  const isAccepted = isRefusal(missing) && acceptsCredential(missing);
  let missingStatus: number | undefined;
  if (isAccepted) missingStatus = isGone(missing) ? 404 : 403;

  const reply = s3ReplyOf(missing);
  const facts = {
    region: reply?.region === bucket.region ? undefined : reply?.region,
    clock: reply?.ahead,
    missing: missingStatus,
  };

  // A bucket without a canary (undefined), or whose canary is missing, may have the right credential all the same.
  const isReadable = !isRefusal(canary) || canary.event === "object-missing";
  if (isAccepted && isReadable) return { state: "ok", ...facts };

  // If S3 accepts the credential, it is the canary that S3 refuses. Otherwise the reply about the missing object tells
  // why. Where a server gives even that one, there is none, and the state is "unreachable".
  const refusal = isAccepted ? canary : missing;
  const refusedReply = s3ReplyOf(refusal);
  const answered = refusedReply?.status;

  // S3 may answer with any text as its code: the code "ok" does not make the credential work.
  let state = refusedReply?.code;
  if (!state || state === "ok") state = `${answered ?? "unreachable"}`;
  return { state, answered, ...facts };
}

/** Returns whether S3 accepts a credential, by what it says of a missing object. */
function acceptsCredential(missing: Refusal): boolean {
  const { event, s3Code, status } = detailsOf(missing);
  if (event === "object-missing") return true;

  // A credential that may not list is denied what is missing (A6). Any other denial, such as AccountProblem, may be about
  // the credential.
  return event === "object-denied" && (s3Code === "AccessDenied" || status === 404);
}

/** A key that no object has. */
export function missingKey({ prefix }: Pick<Bucket, "prefix">): string {
  return `${prefix}vitrine-health-${crypto.randomUUID()}`;
}

/** @returns undefined if S3 gave the object, or did not answer */
function s3ReplyOf(opened: OpenedObject | Refusal | undefined): S3Reply | undefined {
  return isRefusal(opened) ? detailsOf(opened).s3 : undefined;
}
