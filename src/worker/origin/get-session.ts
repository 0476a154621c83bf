// Gets the credentials of a role: an AWS role that reads a bucket, so that the Worker needs no stored key. The Worker
// signs a token as the issuer that the role trusts. STS, AWS's Security Token Service, gives credentials for it.
// All requests of an isolate share one memory of a role. Only one of them asks STS at a time. The others use the old
// credentials meanwhile; where there are none, they wait for the answer.
// Nothing of a token or of credentials is in a failure, because failures are logged.

import { SignJWT } from "jose";
import type { Role } from "../config/bucket.ts";
import type { Issuer } from "../config/oidc.ts";
import { mistakeText, type Refusal } from "../http/refusal.ts";
import type { Context, RequestScope } from "../http/send.ts";
import { readBytes } from "../util/bytes.ts";
import { withTimeout } from "../util/time.ts";
import { issuerKeysOf, type Signer, TOKEN_ALGORITHM } from "./issuer-keys.ts";
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

/** The visitor's time was over before STS had answered. */
const NO_ANSWER: StsFailure = {
  kind: "sts-failure",
  code: "unreachable",
  reason: "STS does not answer in time",
};

/**
 * Returns credentials of a role that can be used now, or why there are none. Waits for STS only if it must.
 * @param refused a session that S3 has refused: a newer one is needed
 */
export async function getSession(
  memory: RoleMemory,
  scope: RequestScope,
  refused?: Session,
): Promise<Session | StsFailure> {
  const { context, deadline } = scope;

  // While this request waits, other requests change the memory. So each round reads the memory again, and decides anew:
  // after a wait there may be a new session, a failure, or a renewal that another request has started.
  // Every round returns, or waits for a renewal. The deadline ends the loop at the latest.
  for (;;) {
    const now = Date.now();
    const state = memory.state();
    const session = usableSession(state, now);
    const running = runningRenewal(state, now); // undefined if it began more than RENEWAL_MS ago

    // Each renewal makes a new object, so a session that is not `refused` itself is a newer one.
    if (session && session !== refused) {
      // The session can be used for a while yet, so this request does not wait for the next one.
      if (!running && isRenewalDue(state, now)) startRenewal(memory, context);
      return session;
    }

    // From here on there is no session, or S3 has refused it although it has not expired: a renewal is needed.

    // STS failed a moment ago. Without this pause, each visitor would ask it again. A renewal that runs may still succeed.
    const failure = recentFailure(state, now);
    if (!running && failure) return failure;

    const remainingMs = deadline - now;
    if (remainingMs <= 0) return NO_ANSWER;

    // After RENEWAL_MS at the latest, the next round starts another renewal.
    const waitMs = Math.min(remainingMs, RENEWAL_MS);
    if (running) await waitForOther(running, waitMs, memory);
    else await withTimeout(waitMs, startRenewal(memory, context).ended);
  }
}

/** Waits for a renewal that another request has begun. */
async function waitForOther(renewal: Renewal, ms: number, memory: RoleMemory): Promise<void> {
  try {
    await withTimeout(ms, renewal.ended);
  } catch {
    // A renewal does not reject by itself. The runtime rejects for it if that request has ended.
    memory.learn({ type: "renewal-cancelled", renewal });
  }
}

/**
 * Returns the refusal of a visitor for whom there are no credentials: STS gives none, or S3 accepts none. It is logged
 * once a minute.
 */
export function refuseRole(
  memory: RoleMemory,
  { code, reason }: Pick<StsFailure, "code" | "reason">,
): Refusal {
  const now = Date.now();
  const state = memory.state();

  // The log leaves out a refusal that is `repeated`.
  const repeated = isRefusalReported(state, now);
  if (!repeated) memory.learn({ type: "refusal-reported", now });

  return { event: "role-refused", role: state.role.arn, code, reason, repeated };
}

/** Begins a renewal, and lets the other requests know. */
function startRenewal(memory: RoleMemory, context: Context): Renewal {
  // This call comes back at the first `await` of `renewSession`. What follows that `await` runs after this function, so
  // the memory learns first that the renewal began, and then its result.
  const renewal = { ended: renewSession(memory), began: Date.now() };
  memory.learn({ type: "renewal-started", renewal });

  // The renewal goes on when this visitor has left: other visitors wait for it.
  context.waitUntil(renewal.ended);
  return renewal;
}

/** Requests a session, and puts it, or the failure, into the memory. Does not reject: a failure is a result, too. */
async function renewSession(memory: RoleMemory): Promise<void> {
  const answer = await requestSession(memory.state().role);

  if (isStsFailure(answer)) {
    memory.learn({ type: "renewal-failed", failure: answer, now: Date.now() });
  } else {
    memory.learn({ type: "renewed", session: answer });
  }
}

/**
 * Requests a session with the first key of the issuer. Only if STS cannot check that key's token, the other key signs
 * another one: while the key is rotated, STS may not know the new key yet, or may know the old one no more (K5).
 *
 * Two keys with two tries each may take four times STS_MS, which is more than RENEWAL_MS. Others do not wait so long:
 * they start another renewal.
 */
async function requestSession(role: Role): Promise<Session | StsFailure> {
  const { signers, mistakes } = await issuerKeysOf(role.oidc);
  const keyFaults = mistakes.map(mistakeText);

  // This is the failure if there is no signer.
  let failure: StsFailure = { kind: "sts-failure", code: "no-key", reason: keyFaults.join("; ") };

  for (const signer of signers) {
    let answer = await requestOnce(role, signer);

    // The cause may pass in a moment, so the same key gets a second try at once.
    if (isStsFailure(answer) && answer.isTransient) answer = await requestOnce(role, signer);
    if (!isStsFailure(answer)) return answer;

    // A key that could not be imported may be the very key that STS knows, so its fault is named, too.
    const reason = [answer.reason, ...keyFaults].join("; ");
    failure = { ...answer, reason };

    // Only this code may be about the key. With any other one, the other key would fail in the same way.
    if (answer.code !== "InvalidIdentityToken") return failure;
  }
  return failure;
}

/** Requests a session with a token of its own: each token has another id. */
async function requestOnce(role: Role, signer: Signer): Promise<Session | StsFailure> {
  const token = await createToken(role.oidc, signer, Date.now());
  return askSts(role, token);
}

/** How long STS may take, the body included: ms. Meanwhile STS itself asks the issuer for its public keys. */
const STS_MS = 6_000;

/** Sends a token to STS, and reads the answer. @param token proves who the Worker is */
export async function askSts(role: Role, token: string): Promise<Session | StsFailure> {
  const began = Date.now();

  // The error of a failed request is dropped: it may hold the token.
  const answer = await postToken(role, token, began + STS_MS).catch(() => undefined);
  if (!answer) {
    // `sts` is the setting of the bucket with the URL of STS.
    const reason = "STS cannot be reached: check sts";
    return { kind: "sts-failure", code: "unreachable", reason, isTransient: true };
  }

  // The session may be used from `began` on. By `now` it must not be about to expire.
  const { status, text } = answer;
  if (status === 200) {
    const now = Date.now();
    const session = parseStsSession(text, began, now);
    if (session) return session;
  }

  // The answer may repeat the token. The parser is given the token, and leaves out what is part of it.
  return parseStsFailure(status, text, token);
}

/** The longest answer that is read: bytes. AWS's has about 2,000. */
const MAX_BYTES = 20_000;

/**
 * Sends the token to STS. The request itself is not signed (K1).
 * @param deadline ms since 1970
 * @throws if STS does not answer in time, or breaks off
 */
async function postToken({ arn, sts }: Role, token: string, deadline: number) {
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
    redirect: "manual", // a redirect would take the token to another host
    cache: "no-store",
    signal: AbortSignal.timeout(deadline - Date.now()),
  });

  // A body that is too long or too slow counts as an empty one, which is no answer of STS either.
  const bytes = await readBytes(body, MAX_BYTES, deadline);
  const text = bytes instanceof Uint8Array ? new TextDecoder().decode(bytes) : "";
  return { status, text };
}

/** How long a token is valid: s. It is sent at once. */
const TOKEN_LASTS_S = 300;

/** How long before now a token begins: s. The clock of STS may be behind, and STS refuses a future token (K6). */
const TOKEN_BACK_S = 60;

/**
 * Creates a signed JWT (RFC 7519), by which STS knows the Worker.
 * @param now ms since 1970
 */
export function createToken(issuer: Issuer, signer: Signer, now: number): Promise<string> {
  const nowS = Math.floor(now / 1000);
  const header = { alg: TOKEN_ALGORITHM, kid: signer.kid, typ: "JWT" };
  const token = new SignJWT({
    iss: issuer.issuer,
    sub: issuer.subject,
    aud: issuer.audience,
    iat: nowS - TOKEN_BACK_S,
    exp: nowS + TOKEN_LASTS_S,
    jti: crypto.randomUUID(),
  });

  return token.setProtectedHeader(header).sign(signer.key);
}
