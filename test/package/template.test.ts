// The folder that the button "Deploy to Cloudflare" clones: it works alone, with its own packages from npm.

import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startDev, WRANGLER_DEV } from "./dev.ts";
import { OFFLINE } from "./offline.ts";
import { NO_CLOUDFLARE, run, tryRun } from "./run.ts";

const ROOT = join(import.meta.dirname, "../..");
const cloned = mkdtempSync(join(dirname(inject("shop")), "cloned-"));

beforeAll(async () => {
  cpSync(join(ROOT, "fixtures/template"), cloned, { recursive: true });
  // The only difference from what the button clones: this version is not at npm yet.
  const file = join(cloned, "package.json");
  const own = readFileSync(file, "utf8");
  const line = `"vitrine": "^${inject("packed").version}"`;
  expect(own).toContain(line);
  writeFileSync(file, own.replace(line, `"vitrine": "file:${inject("tarball")}"`));
  await run("npm", ["install", ...OFFLINE], { cwd: cloned });
});

test("wrangler would deploy it, with the Images binding and its R2 bucket (D1)", async () => {
  const args = ["wrangler", "deploy", "--dry-run"];
  const { stdout } = await run("npx", args, { cwd: cloned });
  expect(stdout).toMatch(/env\.MEDIA_BUCKET \(vitrine-media\) +R2 Bucket/);
  expect(stdout).toMatch(/env\.IMAGES +Images/);
});

test("so would its own script, without a key and without a domain", async () => {
  const { stdout } = await tryRun("npx", ["vitrine", "deploy"], {
    cwd: cloned,
    env: NO_CLOUDFLARE,
  });
  expect(stdout).toContain("Worker vitrine (the top level) gets no secret");
});

test("npm run check finds no mistake: the configuration, the types of Env, TypeScript", async () => {
  const { stdout } = await run("npm", ["run", "check"], { cwd: cloned });
  expect(stdout).toContain("The configuration is right.");
  const types = readFileSync(join(cloned, "worker-configuration.d.ts"), "utf8");
  expect(types).toMatch(/IMAGES: ImagesBinding/);
  expect(types).toMatch(/MEDIA_BUCKET: R2Bucket/);
});

const PICTURE = "node_modules/vitrine/fixtures/objects/photos/fig.jpg";

/** The first bytes of each type. */
const STARTS = {
  "image/avif": /^.{4}ftypavif/s,
  "image/webp": /^RIFF.{4}WEBP/s,
  "image/jpeg": /^\xff\xd8\xff/,
} as const;

describe("wrangler dev, with its own R2 and Images and nothing of vitrine dev", () => {
  let local: Awaited<ReturnType<typeof startDev>>;
  beforeAll(async () => {
    const object = ["vitrine-media/photos/fig.jpg", "--file", PICTURE, "--local"];
    await run("npx", ["wrangler", "r2", "object", "put", ...object], { cwd: cloned });
    local = await startDev({ cwd: cloned }, WRANGLER_DEV);
  });
  afterAll(() => local.stop());

  const ask = (key: string, headers: Record<string, string>) =>
    fetch(`${local.url}/images/card/photos/${key}`, { headers });

  test.each([
    ["image/avif", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"],
    ["image/webp", "image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"],
    ["image/jpeg", "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5"],
  ] as const)("shows %s, and then says that it has not changed", async (type, accept) => {
    const answer = await ask("fig.jpg", { accept });
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, type]);
    expect(bytes.toString("latin1", 0, 12)).toMatch(STARTS[type]);
    expect((await sharp(bytes).metadata()).width).toBe(480);
    const etag = answer.headers.get("etag") ?? "none";
    expect((await ask("fig.jpg", { accept, "if-none-match": etag })).status).toBe(304);
  });

  test("answers 404 for an object that is not there", async () => {
    expect((await ask("nothing.jpg", { accept: "*/*" })).status).toBe(404);
  });
});

// A project of `vitrine init --bucket vitrine-media` is the same.
describe("npm start", () => {
  let local: Awaited<ReturnType<typeof startDev>>;
  beforeAll(async () => {
    local = await startDev({ cwd: cloned });
  });
  afterAll(() => local.stop());

  test("shows a picture, by the Images binding and a local R2 bucket", async () => {
    const url = `${local.url}/images/card@2x/photos/fig.jpg`;
    const answer = await fetch(url, { headers: { accept: "image/avif,*/*" } });
    const { format } = await sharp(await answer.arrayBuffer()).metadata();
    const type = answer.headers.get("content-type");
    expect([answer.status, type, format]).toEqual([200, "image/avif", "heif"]);
  });
});
