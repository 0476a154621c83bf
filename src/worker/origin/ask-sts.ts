// Asks STS for session credentials of a role. Never follows a redirect, never reads a long answer, and never
// lets a credential or a token into a message.

import { readBytes } from "../base/read-bytes.ts";
import type { Role } from "../config/bucket.ts";
import { type Failure, LASTS, readFailure, readSession, type Session } from "./session.ts";

/** How long STS may take, the body included: ms. It asks the issuer itself meanwhile. */
const STS_MS = 6_000;

/** The longest answer. AWS's has about 2,000 bytes. */
const MAX_BYTES = 20_000;

/** @param token proves who the Worker is */
export async function askSts(role: Role, token: string): Promise<Session | Failure> {
  const began = Date.now();
  const answer = await post(role, token, began + STS_MS).catch(() => undefined); // it may name anything
  if (!answer) {
    return { origin: "unreachable", reason: "STS cannot be reached: check sts", passing: true };
  }
  const { status, text } = answer;
  const session = status === 200 ? readSession(text, began, Date.now()) : undefined;
  return session ?? readFailure(status, text, token);
}

/** @param deadline ms since 1970 */
async function post({ arn, sts }: Role, token: string, deadline: number) {
  const form = new URLSearchParams({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: arn,
    RoleSessionName: "vitrine",
    DurationSeconds: `${LASTS}`,
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
