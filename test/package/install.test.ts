// What comes with the package, and its messages where an optional package is missing.

import { mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, inject, test } from "vitest";
import { OFFLINE, run, runNpm, tryRun } from "./run.ts";

const shop = inject("shop");
const alone = mkdtempSync(join(dirname(shop), "alone-"));

beforeAll(async () => {
  writeFileSync(join(alone, "package.json"), '{ "private": true, "type": "module" }');
  await runNpm(11, ["install", ...OFFLINE, inject("tarball")], { cwd: alone });
});

test("wrangler and sharp do not come with it: an app needs neither", () => {
  const names = readdirSync(join(alone, "node_modules"));
  expect(names).toContain("vitrine");
  for (const name of ["wrangler", "workerd", "sharp", "msw"]) expect(names).not.toContain(name);
});

test("an app needs nothing more for the client", async () => {
  const line =
    'import { createSigner } from "vitrine/sign"; import "vitrine/client"; createSigner;';
  await run("node", ["--input-type=module", "-e", line], { cwd: alone });
});

test("without wrangler, the commands say what to install", async () => {
  writeFileSync(join(alone, "wrangler.toml"), 'name = "shop"\n');
  const program = join(alone, "node_modules/.bin/vitrine");
  for (const command of ["check", "dev", "deploy"]) {
    const { code, stdout, stderr } = await tryRun(program, [command], { cwd: alone });
    const advice = "wrangler is not installed. Run: npm ci, or: npm install --save-dev wrangler\n";
    expect([code, stdout + stderr]).toEqual([2, expect.stringContaining(advice)]);
  }
});

test("without sharp, the strict edge says what to install", async () => {
  const line =
    'import { createEdge } from "vitrine/testing"; createEdge({ zone: "a.example", fetch });';
  const args = ["--input-type=module", "-e", line];
  const { code, stderr } = await tryRun("node", args, { cwd: alone });
  expect([code, stderr]).toEqual([1, expect.stringContaining("npm install --save-dev sharp")]);
});

test("wrangler is also found beside the project, as in a workspace", async () => {
  const member = join(alone, "packages/images");
  mkdirSync(join(member, "node_modules"), { recursive: true });
  writeFileSync(join(member, "wrangler.toml"), 'name = "shop"\n');
  symlinkSync(join(shop, "node_modules/wrangler"), join(member, "node_modules/wrangler"));
  const { stderr } = await tryRun("npx", ["vitrine", "check"], { cwd: member });
  expect(stderr).toContain("BUCKETS: ");
});
