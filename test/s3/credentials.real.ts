// Keys of S3: an owner and a reader, wrong ones, and both slots while the keys are rotated.

import { afterEach, beforeAll, expect, test } from "vitest";
import type { Credentials } from "../../src/worker/config/slot.ts";
import { createBucket, letRead, putObject } from "./client.ts";
import { draw, isOf } from "./pictures.ts";
import { removeUser } from "./radosgw.ts";
import { runVitrine, secretsOf, type Vitrine } from "./run-vitrine.ts";
import { theWorld, USERS } from "./world.ts";

const bucket = "credentials";

beforeAll(async () => {
  await createBucket(bucket);
  await letRead(bucket, "reader", "old", "new");
  await putObject(bucket, "a.png", await draw(1), "image/png");
});

let vitrine: Vitrine | undefined;
afterEach(() => vitrine?.close());

async function run(current: Credentials): Promise<Vitrine> {
  vitrine = await runVitrine({ bucket, current });
  return vitrine;
}

/** Whether the object is shown. */
async function shows({ fetch }: Vitrine): Promise<boolean> {
  const { status, bytes } = await fetch("a.png");
  return status === 200 && (await isOf(bytes, 1));
}

test.for([
  ["owner", "object-missing"],
  ["reader", "AccessDenied"],
] as const)("to the %s a missing object is a 404 (A6, A13)", async ([user, code]) => {
  const running = await run(USERS[user]);
  const right = await shows(running);
  const { status } = await running.fetch("nothing.png");
  expect([right, status]).toEqual([true, 404]);
  expect(JSON.stringify(running.lines())).toContain(code);
});

const { accessKeyId, secretAccessKey } = USERS.reader;

test.for([
  ["a wrong secret", { accessKeyId, secretAccessKey: "wrong" }, "SignatureDoesNotMatch"],
  ["a wrong key id", { accessKeyId: "VITRINENOBODY", secretAccessKey }, "InvalidAccessKeyId"],
  ["another one's secret", { ...USERS.owner, accessKeyId }, "SignatureDoesNotMatch"],
] as const)("with %s nothing is shown; the log says it (A7)", async ([_what, wrong, origin]) => {
  const running = await run(wrong);
  const { status, bytes } = await running.fetch("a.png");
  expect([status, `${Buffer.from(bytes)}`]).toEqual([502, "Not available\n"]);
  const slots = [{ slot: "current", origin }];
  expect(running.lines()).toMatchObject([
    { event: "rendition-failed", failure: "slots-refused", slots },
    { event: "slots-refused", slots },
  ]);
  // The next slot is used instead.
  await running.deploy(secretsOf(wrong, USERS.reader));
  expect(await shows(running)).toBe(true);
});

test("no request fails while the keys are rotated, and while the old one is revoked", async () => {
  const { old, new: fresh } = USERS;
  const running = await run(old);
  const done: boolean[] = [];
  const visit = async () => {
    for (let times = 0; times < 5; times++) done.push(await shows(running));
  };
  const both = secretsOf(old, fresh);
  const { AWS_SECRET_ACCESS_KEY_NEXT: _, ...half } = both;
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = secretsOf(fresh);
  await visit();
  for (const step of [half, both]) {
    await running.deploy(step);
    await visit();
  }
  // Nothing is deployed: the same isolate finds out that the current slot is dead.
  await removeUser(theWorld().folder, "old");
  await visit();
  for (const step of [
    { ...both, AWS_ACCESS_KEY_ID: `${id}` },
    { ...both, AWS_ACCESS_KEY_ID: `${id}`, AWS_SECRET_ACCESS_KEY: `${secret}` },
    secretsOf(fresh),
  ]) {
    await running.deploy(step);
    await visit();
  }
  const right = done.filter(Boolean).length;
  expect(right).toBe(35);
  // The proof that the old key is dead.
  await running.deploy(secretsOf(old));
  expect(await shows(running)).toBe(false);
});
