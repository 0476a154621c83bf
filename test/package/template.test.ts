// The folder that the button "Deploy to Cloudflare" clones, with the packed file that a release puts into it: it works
// alone. In plain `wrangler dev`: test/judges/wrangler.

import { cpSync, mkdtempSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startDev } from "./dev.ts";
import { NO_CLOUDFLARE, OFFLINE, run, runNpm, tryRun } from "./run.ts";

const ROOT = join(import.meta.dirname, "../..");
const cloned = mkdtempSync(join(dirname(inject("shop")), "cloned-"));

beforeAll(async () => {
  cpSync(join(ROOT, "fixtures/template"), cloned, { recursive: true });
  cpSync(inject("tarball"), join(cloned, inject("packed").filename));
  await runNpm(11, ["install", ...OFFLINE], { cwd: cloned });
});

test("its own script would deploy it, without a key and without a domain", async () => {
  const { stdout, stderr } = await tryRun("npx", ["vitrine", "deploy"], {
    cwd: cloned,
    env: NO_CLOUDFLARE,
  });
  expect(stdout).toContain("Worker vitrine (the top level) gets no secret");
  expect(stderr).toContain("wrangler deploy ended with 1");
});

test("npm run check finds no mistake: the configuration, the types of Env, TypeScript", async () => {
  const { stdout } = await run("npm", ["run", "check"], { cwd: cloned });
  expect(stdout).toContain("The configuration is right.");
  const types = readFileSync(join(cloned, "worker-configuration.d.ts"), "utf8");
  expect(types).toMatch(/IMAGES: ImagesBinding/);
  expect(types).toMatch(/MEDIA_BUCKET: R2Bucket/);
  expect(types).toMatch(/RENDITIONS: R2Bucket/);
});

// A project of `vitrine init --bucket vitrine-media` is the same.
describe("npm start", () => {
  let local: Awaited<ReturnType<typeof startDev>>;
  beforeAll(async () => {
    local = await startDev({ cwd: cloned });
  });
  afterAll(() => local.stop());

  test("shows a picture, by the Images binding and a local R2 bucket, and stores it", async () => {
    const url = `${local.url}/images/card@2x/photos/fig.jpg`;
    const getPicture = () => fetch(url, { headers: { accept: "image/avif,*/*" } });
    const answer = await getPicture();
    const { format } = await sharp(await answer.arrayBuffer()).metadata();
    const type = answer.headers.get("content-type");
    expect([answer.status, type, format]).toEqual([200, "image/avif", "heif"]);

    // It is stored after the answer.
    const readSource = async () => (await getPicture()).headers.get("server-timing");
    await expect.poll(readSource, { timeout: 60_000 }).toContain("stored");
  });
});
