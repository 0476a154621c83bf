// What reaches wrangler: its arguments and its stdin, and no secret of the environment.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { oldFault } from "../../../src/cli/wrangler/packages.ts";
import { wranglerAt } from "../../../src/cli/wrangler/run-wrangler.ts";
import { makeStandIn } from "../../support/cli/stand-in.ts";
import { createWorld } from "../../support/cli/vitrine.ts";
import { SECRETS } from "../../support/env.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-run-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a script in place of wrangler. @returns what it got, and its exit code */
async function run(env: Record<string, string>, input?: string) {
  const { script, got } = makeStandIn(folder);
  const { world } = createWorld({ folder, env });
  const code = await wranglerAt(script)(world, ["deploy", "--env", ""], input, () => {});
  return { code, ...got() };
}

test("no secret of the environment reaches wrangler, in whatever case its name is spelt (S5)", async () => {
  const spelt = Object.entries({
    ...SECRETS,
    OTHER_SECRET_ACCESS_KEY_NEXT: "x",
    HEALTH_TOKEN: "y",
  });
  const lower = spelt.map(([name, value]) => [name.toLowerCase(), value] as const);
  const { env } = await run({
    ...{ ...Object.fromEntries([...spelt, ...lower]), CLOUDFLARE_API_TOKEN: "kept" },
  });
  const names = Object.keys(env).map((name) => name.toUpperCase());
  for (const [name] of spelt) expect(names).not.toContain(name);
  expect(env["CLOUDFLARE_API_TOKEN"]).toBe("kept");
});

test("nothing of this process reaches wrangler, and its arguments name its environment (S5, S6)", async () => {
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "of-this-process");
  vi.stubEnv("CLOUDFLARE_ENV", "staging");
  const { env, argv } = await run({ CLOUDFLARE_ENV: "staging" });
  expect(Object.keys(env)).not.toContain("AWS_SECRET_ACCESS_KEY");
  expect(Object.keys(env)).not.toContain("CLOUDFLARE_ENV");
  expect(argv).toEqual(["deploy", "--env", ""]);
});

test.each([undefined, "text"])(
  "without a terminal it asks nothing; its stdin: %s",
  async (input) => {
    expect(await run({}, input)).toMatchObject({ code: 7, asks: false, input: input ?? "" });
  },
);

test("an old wrangler is refused", () => {
  const old = ["4.60.0", "4.163.9", "3.114.0"];
  const fresh = ["4.164.0", "4.164.0-beta.1", "4.200.1", "5.0.0"];
  expect([...old, ...fresh].filter((version) => oldFault(version))).toEqual(old);
});
