// Session credentials of the server's STS: as the Worker signs with them, and wrong ones.

import { beforeAll, expect, test } from "vitest";
import type { Credentials } from "../../src/worker/config/slot.ts";
import { sign } from "../../src/worker/origin/sigv4.ts";
import { createBucket, letRead, putObject } from "./client.ts";
import { expired, getSession, letAskForSessions, type Session } from "./sts.ts";
import { REGION, theWorld, USERS, useSessions } from "./world.ts";

const bucket = "sessions";

let session: Session;
beforeAll(async () => {
  useSessions();
  await letAskForSessions("visitor");
  await createBucket(bucket);
  await letRead(bucket, "visitor", "reader");
  await putObject(bucket, "a b+c.png", "x", "image/png");
  session = await getSession("visitor");
});

/** Gets the object, signed as the Worker signs. Returns the status, and S3's code of a refusal. */
async function get(credentials: Credentials, now = Date.now()) {
  const url = `${theWorld().endpoint}/${bucket}/a%20b%2Bc.png`;
  const headers = await sign(url, REGION, credentials, now);
  const answer = await fetch(url, { headers });
  const code = answer.ok ? undefined : /<Code>(\w+)</.exec(await answer.text())?.[1];
  if (code === undefined) await answer.body?.cancel();
  return [answer.status, code];
}

test("S3 takes the Worker's signature with a session token (A1, A11)", async () => {
  expect(await get(session)).toEqual([200, undefined]);
});

// AWS answers ExpiredToken or InvalidToken to some of these. This server has one code for them.
const last = (token: string) => `${token.slice(0, -8)}AAAAAAA=`;
test.for([
  ["an expired token", (now: Session) => expired(now), "AccessDenied"],
  ["a spoilt token", (now) => ({ ...now, sessionToken: last(now.sessionToken) }), "AccessDenied"],
  ["no token", ({ sessionToken: _, ...now }) => now, "AccessDenied"],
  ["a lasting key with the token", (now) => ({ ...now, ...USERS.reader }), "AccessDenied"],
  ["a wrong secret", (now) => ({ ...now, secretAccessKey: "wrong" }), "SignatureDoesNotMatch"],
] satisfies [string, (now: Session) => Credentials, string][])(
  "S3 refuses %s (A11)",
  async ([_what, spoil, code]) => {
    expect(await get(spoil(session))).toEqual([403, code]);
  },
);
