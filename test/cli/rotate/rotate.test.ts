// `vitrine rotate` on the local run, in front of a strict S3 that knows the old key and the new one, with
// requests in flight all the time: none may fail, wherever it is interrupted and taken up again.

import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createS3, type S3 } from "../../../src/emulator/s3/s3.ts";
import { serveS3 } from "../../../src/emulator/s3/serve-s3.ts";
import { QUIET } from "../../support/built.ts";
import { recordOf, rotated } from "../../support/cli/run-rotation.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { CREDENTIALS, HEALTH_TOKEN, NEXT_CREDENTIALS, SECRETS } from "../../support/env.ts";
import { freePort } from "../../support/free-port.ts";
import { copyProject, endRuns, removeCopies, start } from "../../support/local-run.ts";
import { overhear } from "../../support/overheard.ts";
import { file } from "../../support/stand.ts";

const { URL_SIGNING_KEYS: SIGNING } = SECRETS;
const ABOVE = "# Above: 'kept'\n";
const BELOW = '# Below, "kept"\n#AWS_ACCESS_KEY_ID=kept\n';

let folder: string;
let address: string;
let s3: S3;
let close: () => Promise<void>;

beforeAll(async () => {
  folder = copyProject();
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const place = { endpoint, bucket: "acme-media", region: "us-east-1" };
  const bucket = { ...place, prefix: "published/" };
  s3 = createS3({ ...place, credentials: CREDENTIALS, readable: "published/", now: Date.now });
  s3.objects.set("published/key.jpg", { body: file("made/key.jpg"), type: "image/jpeg" });
  s3.faults.add("no-list-bucket");
  ({ close } = await serveS3(s3, port));
  const settings = JSON.stringify({ media: { ...bucket, canary: "key.jpg" } });
  const { accessKeyId, secretAccessKey } = CREDENTIALS;
  const lines = [
    ABOVE,
    `AWS_ACCESS_KEY_ID="${accessKeyId}"\nAWS_SECRET_ACCESS_KEY=${secretAccessKey}\n`,
    `HEALTH_TOKEN='${HEALTH_TOKEN}'\nURL_SIGNING_KEYS='${SIGNING}'\nBUCKETS='${settings}'\n${BELOW}`,
  ];
  writeFileSync(join(folder, ".dev.vars"), lines.join(""));
  for (const [name, keys] of Object.entries({ old: CREDENTIALS, new: NEXT_CREDENTIALS })) {
    const text = `AWS_ACCESS_KEY_ID=${keys.accessKeyId}\nAWS_SECRET_ACCESS_KEY=${keys.secretAccessKey}\n`;
    writeFileSync(join(folder, `${name}.env`), text);
  }
  const own = await freePort();
  address = `http://localhost:${own}`;
  await start(folder, own);
});
afterAll(async () => {
  await endRuns();
  await close();
  removeCopies();
});

/** Three visitors, until they are stopped. @returns how many there were, and what failed */
function load() {
  const failed: string[] = [];
  let [count, slowest, going] = [0, 0, true];
  const visit = async (path: string, expected: number) => {
    while (going) {
      const began = performance.now();
      try {
        const answer = await fetch(`${address}/images/thumbnail/${path}`);
        await answer.arrayBuffer();
        if (answer.status !== expected) failed.push(`${path}: ${answer.status}`);
      } catch (error) {
        failed.push(`${path}: ${error}`);
      }
      slowest = Math.max(slowest, performance.now() - began);
      count += 1;
      await sleep(40); // beside this there is a whole local run to be kept going
    }
  };
  const visitors = Array.from({ length: 3 }, (_, at) =>
    at % 2 === 0 ? visit("key.jpg", 200) : visit("nothing.jpg", 404),
  );
  return async () => {
    going = false;
    await Promise.all(visitors);
    expect([failed, count > 50, slowest < 15_000]).toEqual([[], true, true]);
  };
}

const secrets = () => parseEnv(readFileSync(join(folder, ".dev.vars"), "utf8"));
const options = (name: string) => ({ url: address, keyFile: `${name}.env`, yes: true }) as const;

test("a rotation, interrupted by a real Ctrl-C and gone on with: no failed request", async () => {
  s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  const stop = load();
  const args = ["rotate", "--url", address, "--key-file", "new.env", "--yes"];
  const child = spawn(process.execPath, ["src/cli/main.ts", ...args], {
    cwd: folder,
    env: QUIET,
  });
  const ended = new Promise((settle) => child.on("close", settle));
  let said = "";
  await new Promise<void>((settle) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data: Buffer) => {
        said += data;
        if (said.includes("watching for")) settle();
      });
    }
    child.on("close", () => settle());
  });
  const beside = await vitrine(args, { folder });
  child.kill("SIGINT");
  expect(await ended).toBe(130);
  overhear("logged", said);
  const who = `Another vitrine rotate runs in this folder, as process ${child.pid}.`;
  expect([beside.code, beside.out, beside.err]).toEqual([2, "", expect.stringContaining(who)]);
  expect(said).toContain(
    "Stopped in step 3 of 6. No step is half done. Continue with: npx vitrine rotate",
  );

  const first = await vitrine([...args, "--wait", "0"], { folder });
  expect([first.code, first.err]).toEqual([
    1,
    expect.stringContaining("Continuing in step 3 of 6"),
  ]);
  s3.keys.delete(CREDENTIALS.accessKeyId);
  const second = await vitrine([...args, "--wait", "1"], { folder });
  expect([second.code, recordOf(folder)]).toEqual([0, undefined]);
  await stop();

  const text = readFileSync(join(folder, ".dev.vars"), "utf8");
  expect([text.startsWith(ABOVE), text.endsWith(BELOW)]).toEqual([true, true]);
  const { accessKeyId, secretAccessKey } = NEXT_CREDENTIALS;
  const { BUCKETS: _buckets, ...rest } = secrets();
  const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  expect(rest).toEqual({ ...keys, HEALTH_TOKEN, URL_SIGNING_KEYS: SIGNING });
}, 60_000);

test("and back, interrupted before, in and after each step: the same", async () => {
  s3.keys.set(CREDENTIALS.accessKeyId, CREDENTIALS.secretAccessKey);
  const stop = load();
  const marks = [1, 2, 3, 4, 5].flatMap((step) => [
    new RegExp(`Step ${step} of 6`),
    ...([2, 4, 5].includes(step) ? [/^ +\.dev\.vars: (?:set|remove) /m] : []),
    new RegExp(`Done ${step} of 6`),
  ]);
  for (const mark of [...marks, /Step 6 of 6/]) {
    const heard = (said: string, interrupt: () => void) => {
      if (mark.test(said)) interrupt();
    };
    const { code, err } = await rotated({ folder, options: options("old"), heard });
    expect([mark, code, err]).toEqual([mark, 130, expect.stringContaining("Stopped in step")]);
  }
  await rotated({ folder, options: options("old") });
  s3.keys.delete(NEXT_CREDENTIALS.accessKeyId);
  const { code } = await rotated({ folder, options: { url: address, yes: true } });
  expect([code, recordOf(folder)]).toEqual([0, undefined]);
  await stop();
  expect(secrets()["AWS_ACCESS_KEY_ID"]).toBe(CREDENTIALS.accessKeyId);
  expect(Object.keys(secrets()).filter((name) => name.endsWith("_NEXT"))).toEqual([]);
}, 60_000);
