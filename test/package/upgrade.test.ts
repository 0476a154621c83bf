// A project that was made with an older version, and has changed nothing since.

import { cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { startDev } from "./dev.ts";
import { run } from "./run.ts";

const OLD = join(import.meta.dirname, "wrangler-0.1.0.toml");

const shop = inject("shop");
const folder = mkdtempSync(join(dirname(shop), "old-"));
let local: Awaited<ReturnType<typeof startDev>>;

beforeAll(async () => {
  cpSync(OLD, join(folder, "wrangler.toml"));
  symlinkSync(join(shop, "node_modules"), join(folder, "node_modules"));
  mkdirSync(join(folder, "src"));
  writeFileSync(join(folder, "src/index.ts"), 'export { default, Renditions } from "vitrine";\n');
  local = await startDev({ cwd: folder });
});
afterAll(() => local.stop());

test("vitrine check finds no mistake, and says what is new", async () => {
  const { stdout, stderr } = await run("npx", ["vitrine", "check"], { cwd: folder });
  expect(stdout).toContain("The configuration is right.");
  expect(stderr).toMatch(/^Warning: the cache for Renditions is off: .*docs\/cache\.md/);
});

test("it shows its images", async () => {
  for (const path of ["/images/card/photos/fig.jpg", "/avatars/ada/thumbnail"]) {
    expect((await fetch(local.url + path)).status).toBe(200);
  }
});
