// The examples of docs/testing.md and docs/emulator.md in a project that installs the package: `vitrine/testing` tests
// Workers that are not Vitrine.

import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, inject, test } from "vitest";
import { OFFLINE, run } from "./run.ts";

const shop = inject("shop");
const read = (page: string) => readFileSync(join(shop, "node_modules/vitrine/docs", page), "utf8");
const PAGE = read("testing.md") + read("emulator.md");
const FILES = [...PAGE.matchAll(/```ts\n\/\/ (\S+\.ts)\n(.*?)```/gs)];
const TESTS = FILES.filter(([, name = ""]) => name.endsWith(".test.ts"));
const folder = mkdtempSync(join(dirname(shop), "examples-"));

beforeAll(async () => {
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  const packages = ["aws4fetch", "vitest", "sharp", "msw", "wrangler@~4.164.0", inject("tarball")];
  await run("npm", ["install", ...OFFLINE, ...packages], { cwd: folder });
  for (const [, name = "", code = ""] of FILES) writeFileSync(join(folder, name), code);
});

test("all of them pass", async () => {
  const { stdout } = await run("npx", ["vitest", "run"], { cwd: folder });
  expect(TESTS.map(([, name]) => name)).toContain("careless.test.ts");
  expect(stdout).toMatch(
    new RegExp(`^ *Test Files {2}${TESTS.length} passed \\(${TESTS.length}\\)$`, "m"),
  );
});
