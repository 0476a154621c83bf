// Asks STS for session credentials of a role. Never follows a redirect, never reads a long answer, and never
// lets a credential or a token into a message.

import { LATE, within } from "../base/time-limit.ts";
import type { Role } from "../config/bucket.ts";
import { type Failure, LASTS, readFailure, readSession, type Session } from "./session.ts";

/** How long STS may take, the body included: ms. It asks the issuer itself meanwhile. */
const STS_MS = 6_000;

/** The longest answer: characters. AWS's has about 2,000. */
const LONGEST = 20_000;

/** @param token proves who the Worker is */
export async function askSts(role: Role, token: string): Promise<Session | Failure> {
  const began = Date.now();
  const stop = new AbortController();
  const asked = post(role, token, stop.signal);
  const answer = await within(STS_MS, asked).catch(() => undefined); // what fails may name anything
  if (answer === LATE) {
    stop.abort();
    asked.catch(() => {});
    return { origin: "unreachable", reason: "STS does not answer in time" };
  }
  if (!answer) {
    return { origin: "unreachable", reason: "STS cannot be reached: check sts", passing: true };
  }
  const { status, text } = answer;
  const session = status === 200 ? readSession(text, began, Date.now()) : undefined;
  return session ?? readFailure(status, text, token);
}

async function post({ arn, sts }: Role, token: string, signal: AbortSignal) {
  const form = new URLSearchParams({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: arn,
    RoleSessionName: "vitrine",
    DurationSeconds: `${LASTS}`,
    WebIdentityToken: token,
  });
  const answer = await fetch(sts, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "text/xml" },
    body: `${form}`,
    redirect: "manual",
    cache: "no-store",
    signal,
  });
  return { status: answer.status, text: await readText(answer.body) };
}

/** The whole body; "" if it is too long. */
async function readText(body: ReadableStream | null): Promise<string> {
  if (!body) return "";
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += value;
    if (text.length <= LONGEST) continue;
    reader.cancel().catch(() => {});
    return "";
  }
}
