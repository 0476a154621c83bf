// Keys of S3: an owner and a reader, and wrong ones. rotation.real.ts has both slots while the keys are rotated.

import { afterEach, beforeAll, expect, test } from "vitest";
import type { Credentials } from "../../src/worker/config/slot.ts";
import { createBucket, letRead, putObject } from "./client.ts";
import { draw, isOf } from "./pictures.ts";
import { runVitrine, secretsOf, type Vitrine } from "./run-vitrine.ts";
import { USERS } from "./world.ts";

const bucket = "credentials";

beforeAll(async () => {
  await createBucket(bucket);
  await letRead(bucket, "reader");
  await putObject(bucket, "a.png", await draw(1), "image/png");
});

let vitrine: Vitrine | undefined;
afterEach(() => vitrine?.close());

async function run(current: Credentials): Promise<Vitrine> {
  vitrine = await runVitrine({ bucket, current });
  return vitrine;
}

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
