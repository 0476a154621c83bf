// Asks STS for session credentials of a role. Never follows a redirect, never reads a long answer, and never
// lets a credential or a token into a message.

import { base64url, utf8 } from "../../url/grant.ts";
import { readBytes } from "../base/bytes.ts";
import type { Role } from "../config/bucket.ts";
import type { Issuer } from "../config/issuer-key.ts";
import type { Signer } from "./issuer-keys.ts";
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

/** How long a token is good, and how far its beginning lies back for a clock that is behind: s. */
const TOKEN_LASTS_S = 300;
const TOKEN_BACK_S = 60;

/** @param now ms since 1970 */
export async function makeToken(
  { issuer, subject, audience }: Issuer,
  { kid, algorithm, sign }: Signer,
  now: number,
): Promise<string> {
  const at = Math.floor(now / 1000);
  const head = { alg: algorithm, kid, typ: "JWT" };
  const claims = {
    ...{ iss: issuer, sub: subject, aud: audience },
    ...{ iat: at - TOKEN_BACK_S, exp: at + TOKEN_LASTS_S, jti: crypto.randomUUID() },
  };
  const text = `${encode(head)}.${encode(claims)}`;
  const signature = await sign(utf8(text));
  return `${text}.${base64url(signature)}`;
}

function encode(part: object): string {
  return base64url(utf8(JSON.stringify(part)));
}
