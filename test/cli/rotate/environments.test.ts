// A rotation of one environment touches no other: neither its Worker, nor its record, nor its lock.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import {
  ID,
  keepRecord,
  now,
  OLD,
  RECORD,
  refusedRun,
  run,
  SECRET,
  site,
  URL,
} from "../../support/cli/rotating-site.ts";
import { recordOf } from "../../support/cli/run-rotation.ts";
import { HEALTH_TOKEN } from "../../support/env.ts";
import { editFile } from "../../support/local-run.ts";

const PRODUCTION = "https://images-production.example.com";

// The site of these tests is env.staging; nothing is known of the top level's.
beforeEach(() => {
  editFile(join(site.folder, "wrangler.toml"), (text) => {
    const vars = Object.entries(site.vars).map(
      ([name, value]) => `${name} = ${JSON.stringify(JSON.stringify(value))}\n`,
    );
    const [secrets = ""] = /^required = .*/m.exec(text) ?? [];
    const staging = `
[env.staging]
routes = ["images.example.com/*"]
[env.staging.vars]
${vars.join("")}
[env.staging.secrets]
${secrets}
`;
    return text.replace(/^routes = .*/m, 'routes = ["images-production.example.com/*"]') + staging;
  });
});

test.each<[how: string, options: { env?: string }, env: Record<string, string>]>([
  ["by --env", { env: "staging" }, { CLOUDFLARE_ENV: "other" }],
  ["by CLOUDFLARE_ENV", {}, { CLOUDFLARE_ENV: "staging" }],
])("a rotation goes to the Worker of its environment, %s (S1, S6)", async (_how, options, env) => {
  const ended = await run(options, { env: { HEALTH_TOKEN, ...env } });
  expect(ended.code).toBe(1);
  expect(ended.err).toContain(
    "If another environment has the key …MPLE, too, rotate it there first: its images would fail.",
  );
  expect(ended.err).toContain("When that is done: npx vitrine rotate --env staging --key-file");
  const args = ["secret", "bulk", "--config", "wrangler.toml", "--env=staging"];
  expect(site.ran.map((one) => one.args)).toEqual([args, args, args]);
  expect(now()).toMatchObject({ AWS_ACCESS_KEY_ID: ID, AWS_SECRET_ACCESS_KEY: SECRET });
  expect(recordOf(site.folder, "rotation.staging.json")).toContain('"step": 6');
  expect(recordOf(site.folder)).toBeUndefined();
});

test("if wrangler fails, the hint is for that environment (S6)", async () => {
  site.during = () => ({ code: 1, says: "[code: 10215]" });
  const { err } = await run({ env: "staging" });
  expect(err).toContain(
    "Check out the commit that is live, and deploy it: npx vitrine deploy --env staging",
  );
});

test("the URL of another environment is refused before anything is asked (S6)", async () => {
  expect(await refusedRun({ url: URL })).toBe(
    `${URL}: that is a route of env.staging: add --env staging\n`,
  );
  expect(await refusedRun({ url: URL, dryRun: true })).toContain("add --env staging");
  expect(await refusedRun({ url: PRODUCTION, env: "staging" })).toBe(
    `${PRODUCTION}: that is a route of the top level: add --env ""\n`,
  );
});

test("a rotation of the top level that is under way, and runs, stays as it is (S6)", async () => {
  const text = keepRecord({ ...RECORD, url: PRODUCTION });
  const folder = join(site.folder, ".wrangler/vitrine");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "rotation.lock"), `${process.ppid}\n`);
  expect((await run({ env: "staging" })).code).toBe(1);
  expect(recordOf(site.folder)).toBe(text);
  expect(readFileSync(join(folder, "rotation.lock"), "utf8")).toBe(`${process.ppid}\n`);
  writeFileSync(join(folder, "rotation.staging.lock"), `${process.ppid}\n`);
  const { err } = await run({ env: "staging" });
  expect(err).toContain("remove .wrangler/vitrine/rotation.staging.lock");
});

test("what the operator is to run by hand names the environment (S6)", async () => {
  const staging = await run({ env: "staging", print: true });
  expect(staging.out).toContain("npx wrangler secret put AWS_ACCESS_KEY_ID_NEXT --env staging\n");
  expect(existsSync(join(site.folder, ".wrangler/vitrine/rotation.staging.json"))).toBe(true);
  expect(now()).toEqual(OLD);
});
