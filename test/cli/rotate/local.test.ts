// `vitrine rotate` on the local run, by real processes: in front of a strict S3, and as docs/rotate.md shows it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, expect, test } from "vitest";
import { readLocalKeys } from "../../../src/cli/config/local-run.ts";
import { createS3 } from "../../../src/emulator/s3/s3.ts";
import { serveS3 } from "../../../src/emulator/serve.ts";
import { ROOT } from "../../support/built.ts";
import { rotateKilled, startLocalRotation } from "../../support/cli/local-rotation.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { file } from "../../support/emulators.ts";
import { CREDENTIALS, HEALTH_TOKEN, NEXT_CREDENTIALS } from "../../support/env.ts";
import { freePort } from "../../support/free-port.ts";
import { copyProject, editFile, endRuns, removeCopies, start } from "../../support/local-run.ts";

const closing: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  await endRuns();
  for (const close of closing) await close();
  removeCopies();
});

test("killed by SIGKILL in and after each step, two at a time, and started again: no failed request", async () => {
  const port = await freePort();
  const address = {
    endpoint: `http://127.0.0.1:${port}`,
    bucket: "acme-media",
    region: "us-east-1",
  };
  const s3 = createS3({
    ...{ ...address, credentials: CREDENTIALS, readable: "published/", now: Date.now },
  });
  s3.objects.set("published/key.jpg", { body: file("made/key.jpg"), type: "image/jpeg" });
  s3.faults.add("no-list-bucket");
  const other = { accessKeyId: "VITRINEOTHERKEY00001", secretAccessKey: "the-secret-of-another" };
  for (const key of [NEXT_CREDENTIALS, other]) s3.keys.set(key.accessKeyId, key.secretAccessKey);
  closing.push((await serveS3(s3, port)).close);
  const bucket = { ...address, prefix: "published/", canary: "key.jpg" };
  const rotation = await startLocalRotation(bucket, CREDENTIALS);
  await rotateKilled(rotation, { newKey: NEXT_CREDENTIALS, otherKey: other }, () =>
    s3.keys.delete(CREDENTIALS.accessKeyId),
  );
}, 300_000);

test("with the S3 of the local run, as the page shows it: there is no old key", async () => {
  const folder = copyProject();
  editFile(join(folder, "wrangler.toml"), (text) =>
    text.replace('bucket = "acme-media"', '$&\ncanary = "photos/fig.jpg"'),
  );
  const page = readFileSync(join(ROOT, "docs/rotate.md"), "utf8");
  const [, keys = ""] = /```sh\n(AWS_[^`]+)```/.exec(page) ?? [];
  writeFileSync(join(folder, ".dev.vars"), `${keys}HEALTH_TOKEN="${HEALTH_TOKEN}"\n`);
  const [, keyFile = ""] = /^npx vitrine rotate --url .* --key-file (\S+)/m.exec(page) ?? [];
  const port = await freePort();
  await start(folder, port);
  const args = ["rotate", "--url", `http://localhost:${port}`, "--key-file", keyFile, "--yes"];
  const { code, out, err } = await vitrine(args, { folder });
  expect(code).toBe(0);
  expect(err + out).toMatch(/accepts no slot[\s\S]*…y-id serves\.\nThere is no old key/);
  const local = readLocalKeys(folder);
  expect(parseEnv(readFileSync(join(folder, ".dev.vars"), "utf8"))).toMatchObject({
    AWS_ACCESS_KEY_ID: local.accessKeyId,
    AWS_SECRET_ACCESS_KEY: local.secretAccessKey,
  });
}, 200_000);
