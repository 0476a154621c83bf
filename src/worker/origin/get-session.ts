// Gets credentials of a role: current ones, or new ones from STS. Only one request to STS runs at a time, and the old
// credentials are used meanwhile.

import { encodeBase64url, utf8 } from "../../url/encoding.ts";
import type { Role } from "../config/bucket.ts";
import type { Issuer } from "../config/oidc.ts";
import { mistakeText, type Refusal } from "../http/refusal.ts";
import type { Context, RequestScope } from "../http/send.ts";
import { readBytes } from "../util/bytes.ts";
import { withTimeout } from "../util/time.ts";
import { issuerKeysOf, type Signer } from "./issuer-keys.ts";
import type { RoleMemory } from "./memories.ts";
import {
  isRefusalReported,
  isRenewalDue,
  RENEWAL_MS,
  type Renewal,
  recentFailure,
  runningRenewal,
  usableSession,
} from "./role-state.ts";
import {
  isStsFailure,
  parseStsFailure,
  parseStsSession,
  SESSION_SECONDS,
  type Session,
  type StsFailure,
} from "./session.ts";

const NO_ANSWER: StsFailure = { code: "unreachable", reason: "STS does not answer in time" };

/**
 * Credentials of a role that can be used now, or why there are none. Waits for STS only where it must.
 * @param refused a session that S3 has refused: a newer one is needed
 */
export async function getSession(
  memory: RoleMemory,
  { context, deadline }: RequestScope,
  refused?: Session,
): Promise<Session | StsFailure> {
  for (;;) {
    const now = Date.now();
    const state = memory.state();
    const session = usableSession(state, now);
    const running = runningRenewal(state, now);
    if (session && session !== refused) {
      if (!running && isRenewalDue(state, now)) renew(memory, context);
      return session;
    }
    const failure = running ? undefined : recentFailure(state, now);
    if (failure) return failure;
    const remainingMs = deadline - now;
    if (remainingMs <= 0) return NO_ANSWER;
    const { ended } = running ?? renew(memory, context);
    await withTimeout(Math.min(remainingMs, RENEWAL_MS), ended);
  }
}

/** The answer where there are no credentials, or none that S3 accepts. The log has this refusal once a minute. */
export function refuseRole(memory: RoleMemory, { code, reason }: StsFailure): Refusal {
  const now = Date.now();
  const { role } = memory.state();
  const repeated = isRefusalReported(memory.state(), now);
  memory.learn({ type: "refused", now });
  return { event: "role-refused", role: role.arn, code, reason, repeated };
}

/** Asks STS, also when this visitor has left: other visitors wait for the answer. */
function renew(memory: RoleMemory, context: Context): Renewal {
  const requestSession = async (): Promise<void> => {
    const answer = await askForSession(memory.state().role);
    if (isStsFailure(answer)) {
      memory.learn({ type: "renewal-failed", failure: answer, now: Date.now() });
    } else memory.learn({ type: "renewed", session: answer });
  };
  const renewal = { ended: requestSession(), began: Date.now() };
  memory.learn({ type: "renewal-started", renewal });
  context.waitUntil(renewal.ended);
  return renewal;
}

/** Signs with the other key where STS cannot check the first one: it may not know a new one yet, or an old one any more. */
async function askForSession(role: Role): Promise<Session | StsFailure> {
  const { signers, mistakes } = await issuerKeysOf(role.oidc);
  const faults = mistakes.map(mistakeText).join("; ");
  let failure: StsFailure = { code: "no-key", reason: faults };
  for (const signer of signers) {
    const assumeRole = async () => askSts(role, await createToken(role.oidc, signer, Date.now()));
    const first = await assumeRole();
    const answer = isStsFailure(first) && first.isTransient ? await assumeRole() : first;
    if (!isStsFailure(answer)) return answer;
    const { code, reason } = answer;
    failure = { code, reason: faults ? `${reason}; ${faults}` : reason };
    if (code !== "InvalidIdentityToken") break;
  }
  return failure;
}

/** How long STS may take, the body included: ms. STS itself asks the issuer meanwhile. */
const STS_MS = 6_000;

/** The longest answer. AWS's has about 2,000 bytes. */
const MAX_BYTES = 20_000;

/** @param token proves who the Worker is */
export async function askSts(role: Role, token: string): Promise<Session | StsFailure> {
  const began = Date.now();
  const answer = await post(role, token, began + STS_MS).catch(() => undefined); // the error may hold the token
  if (!answer) {
    return { code: "unreachable", reason: "STS cannot be reached: check sts", isTransient: true };
  }
  const { status, text } = answer;
  const session = status === 200 ? parseStsSession(text, began, Date.now()) : undefined;
  return session ?? parseStsFailure(status, text, token);
}

/** @param deadline ms since 1970 */
async function post({ arn, sts }: Role, token: string, deadline: number) {
  const form = new URLSearchParams({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: arn,
    RoleSessionName: "vitrine",
    DurationSeconds: `${SESSION_SECONDS}`,
    WebIdentityToken: token,
  });
  const { status, body } = await fetch(sts, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "text/xml" },
    body: `${form}`,
    redirect: "manual",
    cache: "no-store",
    signal: AbortSignal.timeout(deadline - Date.now()),
  });
  const bytes = await readBytes(body, MAX_BYTES, deadline);
  return { status, text: bytes instanceof Uint8Array ? new TextDecoder().decode(bytes) : "" };
}

/** How long a token is valid, and how long before now it begins, for a clock of STS that is behind: s. */
const TOKEN_LASTS_S = 300;
const TOKEN_BACK_S = 60;

/** @param now ms since 1970 */
export async function createToken(
  { issuer, subject: sub, audience }: Issuer,
  { kid, sign }: Signer,
  now: number,
): Promise<string> {
  const at = Math.floor(now / 1000);
  const head = { alg: "ES256", kid, typ: "JWT" };
  const claims = {
    ...{ iss: issuer, sub, aud: audience },
    ...{ iat: at - TOKEN_BACK_S, exp: at + TOKEN_LASTS_S, jti: crypto.randomUUID() },
  };
  const text = `${encode(head)}.${encode(claims)}`;
  const signature = await sign(utf8(text));
  return `${text}.${encodeBase64url(signature)}`;
}

function encode(part: object): string {
  return encodeBase64url(utf8(JSON.stringify(part)));
}
