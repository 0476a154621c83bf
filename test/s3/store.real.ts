// The store as a developer has it: wrangler dev with its own R2 and Images, and a real S3 as the origin.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { startDev, WRANGLER_DEV } from "../package/dev.ts";
import { ROOT } from "../support/built.ts";
import { makeTemporary } from "../support/temporary.ts";
import { ask, createBucket, letRead, putObject } from "./client.ts";
import { draw } from "./pictures.ts";
import { secretsOf, varsFor } from "./run-vitrine.ts";
import { USERS } from "./world.ts";

const bucket = "stored";

/** Writes a project whose bucket is on the server, with a store. @returns its folder */
function writeProject(): string {
  const folder = makeTemporary("vitrine-stored-");
  const { BUCKETS, ...vars } = varsFor({ bucket });
  const config = {
    ...{ name: "stored", main: join(ROOT, "src/worker/index.ts") },
    ...{ compatibility_date: "2026-11-01", images: { binding: "IMAGES" } },
    r2_buckets: [{ binding: "RENDITIONS", bucket_name: "renditions" }],
    vars: {
      ...vars,
      BUCKETS: { media: { ...BUCKETS.media, engine: "binding" } },
      ANSWERS: { keep: 0, store: "RENDITIONS" },
    },
  };
  writeFileSync(join(folder, "wrangler.json"), JSON.stringify(config));
  const secrets = Object.entries(secretsOf(USERS.reader));
  writeFileSync(join(folder, ".dev.vars"), secrets.map((one) => `${one.join("=")}\n`).join(""));
  return folder;
}

/** Starts wrangler dev, asks it, and stops it. @returns the status, where the picture came from, and its bytes */
async function askOnce(folder: string, ...keys: readonly string[]) {
  const place = ["--config", join(folder, "wrangler.json"), "--persist-to", join(folder, "state")];
  const { command, ready } = WRANGLER_DEV;
  const local = await startDev({ cwd: ROOT }, { command: [...command, ...place], ready });
  const found = [];
  for (const key of keys) {
    const headers = { accept: "image/webp,*/*" };
    const answer = await fetch(`${local.url}/images/card/${key}`, { headers });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const timing = /desc=(\w+)/.exec(answer.headers.get("server-timing") ?? "")?.[1];
    found.push({ status: answer.status, timing, bytes });
  }
  await local.stop();
  return found;
}

test("what the first run made comes out of the store in the second one, as long as S3 has it (T1)", async () => {
  await createBucket(bucket);
  await letRead(bucket, "reader");
  for (const key of ["kept.png", "replaced.png", "deleted.png"]) {
    await putObject(bucket, key, await draw(1), "image/png");
  }
  const folder = writeProject();
  const [made] = await askOnce(folder, "kept.png", "replaced.png", "deleted.png");
  expect([made?.status, made?.timing]).toEqual([200, "direct"]);
  expect((await sharp(made?.bytes).metadata()).width).toBe(32);

  await putObject(bucket, "replaced.png", await draw(2), "image/png");
  await ask("DELETE", `/${bucket}/deleted.png`, {});
  const [kept, replaced, deleted] = await askOnce(
    folder,
    "kept.png",
    "replaced.png",
    "deleted.png",
  );
  expect(kept).toEqual({ ...made, timing: "stored" });
  expect([replaced?.status, replaced?.timing]).toEqual([200, "direct"]);
  expect(replaced?.bytes).not.toEqual(made?.bytes);
  expect(deleted?.status).toBe(404);
});
