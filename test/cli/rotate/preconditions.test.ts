// Where `vitrine rotate` must not go on: where keys look alike, where somebody else was there, where the
// next slot alone serves.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  ALIKE,
  addBucket,
  current,
  file,
  ID,
  KEY,
  keepRecord,
  known,
  NEW,
  NEXT,
  next,
  now,
  OLD,
  PUTS_NEXT,
  printed,
  QUESTIONS,
  RECORD,
  refusedRun,
  revoke,
  run,
  sayHealth,
  site,
  THIRD,
  typing,
} from "../../support/cli/rotating-site.ts";
import { recordOf } from "../../support/cli/run-rotation.ts";
import { CREDENTIALS } from "../../support/env.ts";
import { stage } from "../../support/play.ts";

test("a key that ends like the one that serves is refused", async () => {
  known(ALIKE);
  site.deployed = current(ALIKE);
  const err = await refusedRun();
  expect(err).toContain(
    "The current slot already holds this key (…TKEY), or one that ends like it, and it serves.",
  );
  expect(err).toContain("there is nothing to rotate");
  expect(err).toContain("Delete the new one, and make one that ends differently: aws iam create");
  expect(err).not.toContain("wrangler secret delete");
  expect(await refusedRun({ restart: true })).toContain("or one that ends like it");
});

test("where ids are too short to be told apart, it leaves the rotation to hands", async () => {
  const [old, made] = [
    { ...ALIKE, id: "old-id" },
    { ...ALIKE, id: "new-id" },
  ];
  known(old, made);
  site.deployed = current(old);
  file(`AWS_ACCESS_KEY_ID=${made.id}\nAWS_SECRET_ACCESS_KEY=${made.secret}\n`);
  expect(await refusedRun()).toContain(
    "its id is too short to tell it from the current one. Rotate by hand",
  );
});

test.each<[string, boolean]>([
  ["nothing serves", false],
  ["the next slot serves", true],
])("a key that ends like a current one that S3 refuses is refused: %s", async (_what, full) => {
  known(THIRD);
  site.deployed = { ...current(ALIKE), ...(full && next(THIRD)) };
  const err = await refusedRun({ restart: full || undefined });
  expect(err).toContain("or one that ends like it. S3 answers InvalidAccessKeyId for it.");
  expect(err).toContain("npx wrangler secret put AWS_SECRET_ACCESS_KEY\n");
  expect(err).not.toContain("wrangler secret delete");
});

test.each([2, 4, 5])(
  "a record of two keys that end alike is not gone by: step %d",
  async (step) => {
    known(ALIKE);
    site.deployed = { ...current(ALIKE), ...NEXT };
    keepRecord({ ...RECORD, step, old: RECORD.new });
    const keyFile = step > 4 ? undefined : "key.json";
    expect(await refusedRun({ keyFile })).toContain("ends like the old one, …TKEY");
  },
);

test.each<[step: number, secrets: object, says: string]>([
  [2, { ...OLD, ...next(THIRD) }, "media: the next slot holds …IRD3, an unknown key"],
  [
    4,
    { ...current(THIRD), ...NEXT },
    "the current slot holds …IRD3, an unknown key (the old key ends in …MPLE, the new key in …TKEY)",
  ],
  [5, { ...NEW, ...next(THIRD) }, "media: the next slot holds …IRD3, an unknown key"],
])("step %d does not replace a third key", async (step, secrets, says) => {
  known(THIRD);
  site.deployed = { ...secrets };
  keepRecord({ ...RECORD, step });
  const err = await refusedRun({ keyFile: step > 4 ? undefined : "key.json" });
  expect(err).toContain(`Step ${step} has not begun`);
  expect(err).toContain(says);
  expect(err).not.toContain("empty the next slot");
});

test.each<[step: number, meanwhile: () => object, says: string]>([
  [2, () => ({ ...OLD, ...next(THIRD) }), "the next slot holds …IRD3, an unknown key"],
  [4, () => OLD, "the next slot is empty, but must hold the new key"],
  [4, () => ({ ...current(THIRD), ...NEXT }), "the current slot holds …IRD3, an unknown key"],
  [5, () => ({ ...NEW, ...next(THIRD) }), "the next slot holds …IRD3, an unknown key"],
  [5, () => ({ ...OLD, ...NEXT }), "the current slot holds …MPLE, but must hold the new key"],
])("what changed while step %d was asked for is seen", async (step, meanwhile, says) => {
  known(THIRD);
  const questions = QUESTIONS.slice(0, [2, 4, 5].indexOf(step) + 1);
  const answers = questions.map((question) => [question, "y"] as const);
  const { code, err } = await typing([...KEY, ...answers], {}, (left) => {
    if (left === 0) site.deployed = { ...meanwhile() };
  });
  expect([code, site.ran.length, now()]).toEqual([2, questions.length - 1, meanwhile()]);
  expect(err).toContain(`Step ${step} has not begun`);
  expect(err).toContain(says);
});

test("--restart does not replace the key in the next slot that alone serves", async () => {
  known(THIRD);
  revoke();
  site.deployed = { ...OLD, ...next(THIRD) };
  expect(await refusedRun()).toContain("(…IRD3, ok), and no rotation is under way in this folder.");
  const err = await refusedRun({ restart: true });
  expect(err).toContain("only the next slot (…IRD3) serves, because S3 refuses the current one");
  expect(err).toContain("give the same key, …IRD3, to npx vitrine rotate");
  expect(err).toContain("  npx wrangler secret put AWS_SECRET_ACCESS_KEY\n");
});

test("--restart with the very key of the next slot that alone serves promotes it", async () => {
  revoke();
  site.deployed = { ...OLD, ...NEXT };
  expect((await run({ restart: true })).code).toBe(1);
  expect(now()).toEqual(NEW);
});

test("--restart in an emergency sends to the rotation that is under way", async () => {
  known(THIRD);
  revoke();
  site.deployed = { ...OLD, ...NEXT };
  keepRecord({ ...RECORD, step: 3, worked: false });
  const keyFile = "third.json";
  const third = { AccessKey: printed(THIRD.id, THIRD.secret) };
  writeFileSync(join(site.folder, keyFile), JSON.stringify(third));
  const err = await refusedRun({ restart: true, keyFile });
  expect(err).toContain(
    "Continue the rotation that put it there, with that key: npx vitrine rotate",
  );
});

test("--restart replaces a key in the next slot, but not once that alone serves", async () => {
  known(THIRD);
  site.deployed = { ...OLD, ...next(THIRD) };
  const stopped = await typing(
    [...KEY, ["Put it into the next slot?", "y"]],
    { restart: true },
    (left) => {
      if (left === 0) revoke();
    },
  );
  expect([stopped.code, site.ran]).toEqual([2, []]);
  expect(stopped.err).toContain("the next slot holds …IRD3, and no other slot works");
  known({ id: CREDENTIALS.accessKeyId, secret: CREDENTIALS.secretAccessKey });
  expect((await run()).code).toBe(1);
  expect([site.ran[0]?.input, now()]).toEqual([PUTS_NEXT, NEW]);
  expect(recordOf(site.folder)).not.toContain("replaces");
});

test("--restart forgets the record only where there is another one", async () => {
  stage.s3.keys.delete(ID);
  const text = keepRecord({ ...RECORD, step: 3, new: "…IRD3" });
  expect(await refusedRun({ restart: true })).toContain("S3 does not accept the new key");
  const { code, err } = await typing([["The new key's id", "\u0003"]], { restart: true });
  expect([code, recordOf(site.folder)]).toEqual([130, text]);
  expect(err).toMatch(/Stopped in step 1 .* --restart\n$/);
});

test("what S3 says of one bucket counts, too", async () => {
  addBucket("extra", "AWS");
  sayHealth({
    media: { current: ["…MPLE", "ok"], next: ["…IRD3", "ok"] },
    extra: { current: ["…MPLE", "AccessDenied"], next: ["…IRD3", "ok"] },
  });
  const err = await refusedRun({ restart: true });
  expect(err).toContain("extra: only the next slot (…IRD3) serves");
  sayHealth({
    media: { current: ["…TKEY", "ok"], next: ["…IRD3", "ok"] },
    extra: { current: ["…TKEY", "AccessDenied"], next: ["…IRD3", "ok"] },
  });
  const same = await refusedRun({ restart: true });
  expect(same).toContain("or one that ends like it. S3 answers AccessDenied for it.");
  expect(same).not.toContain("wrangler secret");
});
