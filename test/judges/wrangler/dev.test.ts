// The template, whose bucket is in R2, and a project whose bucket S3's API reaches, in plain `wrangler dev`: nothing of
// `vitrine dev` runs, and no emulator of images or R2. The S3 is ours, with its signatures.

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createS3 } from "../../../src/emulator/s3/s3.ts";
import { serveS3 } from "../../../src/emulator/serve.ts";
import { startDev, WRANGLER_DEV } from "../../package/dev.ts";
import { QUIET, ROOT } from "../../support/built.ts";
import { AWS, emptyFolder, init } from "../../support/cli/run-init.ts";
import { CREDENTIALS, HEALTH_TOKEN } from "../../support/env.ts";

const WRANGLER = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
const KEY = "photos/fig.jpg";
const PICTURE = join(ROOT, "fixtures/objects", KEY);

/** Puts wrangler and Vitrine beside a project, as npm would, but Vitrine's sources. */
function installVitrine(folder: string): void {
  const installed = join(folder, "node_modules/vitrine");
  mkdirSync(installed, { recursive: true });
  const manifest = { name: "vitrine", type: "module", exports: "./src/worker/index.ts" };
  writeFileSync(join(installed, "package.json"), JSON.stringify(manifest));
  symlinkSync(join(ROOT, "node_modules/.bin"), join(folder, "node_modules/.bin"));
  symlinkSync(join(ROOT, "src"), join(installed, "src"));
}

async function createR2Project(): Promise<string> {
  const folder = emptyFolder();
  cpSync(join(ROOT, "fixtures/template"), folder, { recursive: true });
  const args = ["r2", "object", "put", `vitrine-media/${KEY}`, "--file", PICTURE, "--local"];
  writeFileSync(join(folder, ".dev.vars"), `HEALTH_TOKEN="${HEALTH_TOKEN}"\n`);
  await promisify(execFile)(process.execPath, [WRANGLER, ...args], { cwd: folder, env: QUIET });
  return folder;
}

const bucket = { endpoint: "https://s3.eu-west-1.amazonaws.com", region: "eu-west-1" };
const s3 = createS3({ ...bucket, bucket: "acme-media", credentials: CREDENTIALS });
s3.objects.set(KEY, { body: readFileSync(PICTURE), type: "image/jpeg" });

/** What init writes, with the keys, and with the address of the S3 in this process. */
async function createS3Project(endpoint: string): Promise<string> {
  const folder = emptyFolder();
  await init(folder, AWS);
  const media = { ...bucket, endpoint, bucket: "acme-media" };
  const lines = {
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    ...{ HEALTH_TOKEN, BUCKETS: JSON.stringify({ media }) },
  };
  const text = Object.entries(lines).map(([name, value]) => `${name}='${value}'\n`);
  writeFileSync(join(folder, ".dev.vars"), text.join(""));
  return folder;
}

let served: Awaited<ReturnType<typeof serveS3>>;
beforeAll(async () => {
  served = await serveS3(s3);
});
afterAll(() => served.close());

describe.each([
  ["the template, by R2, the Images binding and its store", createR2Project, "stored", 200],
  // wrangler's edge does not name the object that it used (R4): such a picture is not stored, and has no ETag.
  ["a project of an S3 bucket, by cf.image", () => createS3Project(served.url), "miss", 401],
] as const)("in wrangler dev, %s", (_name, createProject, secondSource, health) => {
  let dev: Awaited<ReturnType<typeof startDev>>;
  beforeAll(async () => {
    const cwd = await createProject();
    installVitrine(cwd);
    dev = await startDev({ cwd }, WRANGLER_DEV);
  });
  afterAll(() => dev.stop());

  const getPath = (path: string, headers: Record<string, string>) =>
    fetch(dev.url + path, { headers });

  test.each(["avif", "webp", "jpeg"])(
    "shows %s, and Workers Cache keeps nothing (W15)",
    async (format) => {
      const accept = format === "jpeg" ? "*/*" : `image/${format},*/*`;
      for (const source of ["miss", secondSource]) {
        const response = await getPath(`/images/card/${KEY}`, { accept });
        const type = `image/${format}`;
        const { status, headers } = response;
        expect([status, headers.get("content-type")]).toEqual([200, type]);
        expect(headers.get("server-timing")).toContain(source);
        expect(await sharp(await response.arrayBuffer()).metadata()).toMatchObject({
          ...{ width: 480, format: format === "avif" ? "heif" : format },
        });
        const etag = headers.get("etag");
        const second = await getPath(`/images/card/${KEY}`, {
          accept,
          "if-none-match": etag ?? "none",
        });
        expect(second.status).toBe(etag === null ? 200 : 304);
        await second.arrayBuffer();

        // What is stored, is stored after the answer.
        const readSource = async () => {
          const answer = await getPath(`/images/card/${KEY}`, { accept });
          await answer.arrayBuffer();
          return answer.headers.get("server-timing");
        };
        await expect.poll(readSource, { timeout: 60_000 }).toContain(secondSource);
      }
    },
  );

  test("shows no other object; of .dev.vars it takes all, or what is required (S2)", async () => {
    expect((await getPath("/images/card/photos/none.jpg", {})).status).toBe(404);
    const { status } = await getPath("/healthz", { authorization: `bearer ${HEALTH_TOKEN}` });
    expect(status).toBe(health);
  });
});
