// `vitrine check --types` with the real wrangler: the types are there, and a screen is not full of them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";

const env = { PATH: process.env["PATH"] ?? "" };
const FILES = { "index.js": "export default {};" };

test("the types are written, and nothing is said of them", async () => {
  const folder = createProject({ ...STAGED, main: "index.js" }, "wrangler.toml", FILES);
  const usual = await vitrine(["check"], { folder, env });
  const { code, out, err } = await vitrine(["check", "--types"], { folder, env });
  expect([code, out, err]).toEqual([0, usual.out, usual.err]);
  expect(readFileSync(join(folder, "worker-configuration.d.ts"), "utf8")).toContain("PRESETS:");
});

test("an error of wrangler is shown, and ends the command", async () => {
  const folder = createProject({ ...STAGED, main: "index.js" }, "wrangler.toml", {
    ...FILES,
    "worker-configuration.d.ts": "// not wrangler's",
  });
  const { code, err } = await vitrine(["check", "--types"], { folder, env });
  expect(code).toBe(2);
  expect(err).toMatch(/\[ERROR\] .*worker-configuration\.d\.ts/);
  expect(err).toContain("wrangler types ended with 1");
});
