// Gets credentials of a role: those that are known, or new ones of STS. Once at a time, and old ones serve
// while new ones are fetched.

import { mistakeText, type Refusal } from "../base/refusal.ts";
import type { Context, RequestScope } from "../base/send.ts";
import { withTimeout } from "../base/time.ts";
import type { Role } from "../config/bucket.ts";
import { askSts, makeToken } from "./ask-sts.ts";
import { issuerKeysOf } from "./issuer-keys.ts";
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
import { type Failure, isFailure, type Session } from "./session.ts";

const LATE: Failure = { origin: "unreachable", reason: "STS does not answer in time" };

/** Credentials of a role that can be used now, or why there are none. Waits for STS only where it must. */
export async function getSession(
  memory: RoleMemory,
  { context, deadline }: RequestScope,
): Promise<Session | Failure> {
  for (;;) {
    const now = Date.now();
    const state = memory.state();
    const session = usableSession(state, now);
    const running = runningRenewal(state, now);
    if (session) {
      if (!running && isRenewalDue(state, now)) renew(memory, context);
      return session;
    }
    const failure = running ? undefined : recentFailure(state, now);
    if (failure) return failure;
    const left = deadline - now;
    if (left <= 0) return LATE;
    const { ended } = running ?? renew(memory, context);
    await withTimeout(Math.min(left, RENEWAL_MS), ended);
  }
}

/** The answer where there are no credentials, or none that S3 accepts. The log has it once a minute. */
export function refuseRole(memory: RoleMemory, { origin, reason }: Failure): Refusal {
  const now = Date.now();
  const { role } = memory.state();
  const repeated = isRefusalReported(memory.state(), now);
  memory.learn({ type: "refused", now });
  return { event: "role-refused", role: role.arn, origin, reason, repeated };
}

/** Asks STS, also when this visitor has left: others wait for it. */
function renew(memory: RoleMemory, context: Context): Renewal {
  const ask = async (): Promise<void> => {
    const answer = await askForSession(memory.state().role);
    if (isFailure(answer)) {
      memory.learn({ type: "renewal-failed", failure: answer, now: Date.now() });
    } else memory.learn({ type: "renewed", session: answer });
  };
  const renewal = { ended: ask(), began: Date.now() };
  memory.learn({ type: "renewal-started", renewal });
  context.waitUntil(renewal.ended);
  return renewal;
}

/** Signs with the other key where STS cannot check the first one: it may not know a new one yet, or an old one any more. */
async function askForSession(role: Role): Promise<Session | Failure> {
  const { signers, mistakes } = await issuerKeysOf(role.oidc);
  const faults = mistakes.map(mistakeText).join("; ");
  let failure: Failure = { origin: "no-key", reason: faults };
  for (const signer of signers) {
    const ask = async () => askSts(role, await makeToken(role.oidc, signer, Date.now()));
    const first = await ask();
    const answer = isFailure(first) && first.passing ? await ask() : first;
    if (!isFailure(answer)) return answer;
    const { origin, reason } = answer;
    failure = { origin, reason: faults ? `${reason}; ${faults}` : reason };
    if (origin !== "InvalidIdentityToken") break;
  }
  return failure;
}
