// Session credentials of the server's STS: as the Worker signs with them, and wrong ones.

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Credentials } from "../../src/worker/config/slot.ts";
import { sign } from "../../src/worker/origin/sigv4.ts";
import { type OutsideImages, startOutsideImages } from "../support/outside-images.ts";
import { builtWorker, type Running, start } from "../support/workerd.ts";
import { createBucket, letRead, putObject } from "./client.ts";
import { draw } from "./pictures.ts";
import { secretsOf, varsFor } from "./run-vitrine.ts";
import { expired, getSession, letAskForSessions, type Session } from "./sts.ts";
import { REGION, theWorld, USERS, useSessions } from "./world.ts";

const bucket = "sessions";

let session: Session;
beforeAll(async () => {
  useSessions();
  await letAskForSessions("visitor");
  await createBucket(bucket);
  await letRead(bucket, "visitor", "reader");
  await putObject(bucket, "a b+c.png", await draw(1), "image/png");
  session = await getSession("visitor");
});

/** Asks for the object as the Worker signs. Returns the status, and S3's word for a refusal. */
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

// AWS has ExpiredToken and InvalidToken for these. This server has one word.
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

let images: OutsideImages;
beforeAll(async () => {
  images = await startOutsideImages();
});
afterAll(() => images.close());

let worker: Running | undefined;
afterEach(() => worker?.stop());

/** Runs the built Worker with the engine "binding". Images is none that reads pictures. */
async function show(current: Credentials, next?: Credentials) {
  const { BUCKETS, ...vars } = varsFor({ bucket });
  const tokens = {
    ...(current.sessionToken && { AWS_SESSION_TOKEN: current.sessionToken }),
    ...(next?.sessionToken && { AWS_SESSION_TOKEN_NEXT: next.sessionToken }),
  };
  const media = { ...BUCKETS.media, engine: "binding" };
  const { port } = new URL(theWorld().endpoint);
  let log = "";
  worker = await start(
    builtWorker({ ...vars, ...secretsOf(current, next), ...tokens, BUCKETS: { media } }),
    {
      ...{ outside: `127.0.0.1:${port}`, images: images.address },
      log: (text) => {
        log += text;
      },
    },
  );
  const answer = await fetch(`http://127.0.0.1:${worker.port}/images/card/a%20b%2Bc.png`, {
    headers: { accept: "image/webp,*/*" },
  });
  await answer.arrayBuffer();
  return { shown: [answer.status, answer.headers.get("content-type")], log };
}

test("the built Worker shows a picture with session credentials (A11)", async () => {
  expect((await show(session)).shown).toEqual([200, "image/webp"]);
});

test("where S3 refuses the session's key, the next slot serves, and the log says so (A11)", async () => {
  const wrong = await show({ ...session, secretAccessKey: "wrong" }, USERS.reader);
  expect(wrong.shown).toEqual([200, "image/webp"]);
  expect(wrong.log).toContain("SignatureDoesNotMatch");
});

// AWS says ExpiredToken. This server says AccessDenied: the next slot serves then, too.
test("where an expired token is denied the object, the next slot serves (A6)", async () => {
  const old = await show(expired(session), USERS.reader);
  expect(old.shown).toEqual([200, "image/webp"]);
});
