// The folder that the button "Deploy to Cloudflare" clones: it works alone, with its own packages from npm.

import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, inject, test } from "vitest";
import { OFFLINE } from "./offline.ts";
import { run } from "./run.ts";

const ROOT = join(import.meta.dirname, "../..");
const cloned = mkdtempSync(join(dirname(inject("shop")), "cloned-"));

beforeAll(async () => {
  cpSync(join(ROOT, "template"), cloned, { recursive: true });
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
  const args = ["vitrine", "deploy", "--dry-run"];
  const { stdout } = await run("npx", args, { cwd: cloned });
  expect(stdout).toContain("Worker vitrine (the top level), at a workers.dev address:");
});

test("npm run check finds no mistake: the configuration, the types of Env, TypeScript", async () => {
  const { stdout } = await run("npm", ["run", "check"], { cwd: cloned });
  expect(stdout).toContain("The configuration is right.");
  const types = readFileSync(join(cloned, "worker-configuration.d.ts"), "utf8");
  expect(types).toMatch(/IMAGES: ImagesBinding/);
  expect(types).toMatch(/MEDIA_BUCKET: R2Bucket/);
});

test("the picture of vitrine sample is in the package", () => {
  const packed = readFileSync(join(cloned, "node_modules/vitrine/template/sample.jpg"));
  expect(packed).toEqual(readFileSync(join(cloned, "sample.jpg")));
});
