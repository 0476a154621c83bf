// `vitrine rotate` with live keys: its process is killed in and after each step, and started again.

import { afterAll, beforeAll, expect, test } from "vitest";
import { endRuns, removeCopies } from "../support/local-run.ts";
import { createBucket, letRead, putObject } from "./client.ts";
import { rotateKilled, startLocalRotation } from "./local-rotation.ts";
import { draw } from "./pictures.ts";
import { removeUser } from "./radosgw.ts";
import { varsFor } from "./run-vitrine.ts";
import { theWorld, USERS } from "./world.ts";

const bucket = "rotation";

beforeAll(async () => {
  await createBucket(bucket);
  await letRead(bucket, "replaced", "fresh", "other");
  await putObject(bucket, "a.png", await draw(1), "image/png");
});
afterAll(async () => {
  await endRuns();
  removeCopies();
});

test("killed by SIGKILL, two at a time, and with the old key denied: no request fails", async () => {
  const { replaced, fresh, other } = USERS;
  const { media } = varsFor({ bucket }).BUCKETS;
  const rotation = await startLocalRotation({ ...media, canary: "a.png" }, replaced);
  // While radosgw-admin removes a user, RGW on SQLite refuses the keys of others, too. A policy does not.
  await rotateKilled(rotation, { newKey: fresh, otherKey: other }, () =>
    letRead(bucket, "fresh", "other"),
  );
  // The proof that the old key is dead.
  await removeUser(theWorld().folder, "replaced");
  const { code, output } = await rotation.rotate(replaced);
  expect([code, output]).toEqual([2, expect.stringContaining("S3 does not accept the new key")]);
}, 300_000);
