// The real wrangler, in front of a stub of Cloudflare's API: which key is deployed, and into which Worker.

import { execFile } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ROOT } from "../../support/built.ts";
import { type Stub, startCloudflare } from "../../support/cli/deploying.ts";
import { deploy } from "../../support/cli/doctor.ts";
import { envLine, makeProject, STAGED, STAGING } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { ENV, HEALTH_TOKEN, SECRETS } from "../../support/env.ts";
import { arrange } from "../../support/play.ts";

const FILE = { ...SECRETS, HEALTH_TOKEN: `$HOME ${HEALTH_TOKEN}` };
const LINES = Object.entries(FILE).map(([name, value]) => envLine(name, value));
/** What DevOps have in their shells. */
const SHELL = {
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7ADMINXX",
  AWS_SECRET_ACCESS_KEY: "the-secret-of-an-admin-of-everything",
  HEALTH_TOKEN: "another token that is not to be guessed",
};

let cloudflare: Stub;
let folder: string;

beforeEach(async () => {
  cloudflare = await startCloudflare();
  const config = { ...STAGED, main: "index.js", compatibility_date: "2026-11-01" };
  folder = makeProject(config, "wrangler.toml", {
    ...{ "secrets.env": LINES.join(""), "index.js": "export default {};" },
  });
});

afterEach(() => void vi.unstubAllEnvs());

const environment = () => ({
  ...{ HOME: folder, PATH: process.env["PATH"] ?? "", ...cloudflare.env, ...SHELL },
});

test("vitrine deploy sends the file's secrets, whatever the shell and .env have (S5)", async () => {
  arrange({ firewall: true });
  deploy({ ...ENV, ...FILE });
  vi.stubEnv("TMPDIR", folder);
  writeFileSync(join(folder, ".env"), 'AWS_SECRET_ACCESS_KEY="of-the-file-.env"\n');
  const args = ["deploy", "--secrets-file", "secrets.env"];
  const { code, out, err } = await vitrine(args, { folder, env: environment() });
  expect(cloudflare.uploaded).toEqual([{ worker: "vitrine", secrets: FILE }]);
  expect(cloudflare.domains).toEqual([expect.stringContaining('"images.example"')]);
  expect(out).toContain("the key …MPLE (AWS, slot current)");
  expect(err).toContain("Uploaded vitrine");
  for (const secret of [...Object.values(FILE), ...Object.values(SHELL)]) {
    expect(out + err).not.toContain(secret);
  }
  expect([code, out]).toEqual([0, expect.stringContaining("S3 knows it (from secrets.env)")]);
  expect(readdirSync(folder).filter((name) => name.startsWith("vitrine-"))).toEqual([]);
});

test("vitrine deploy --env deploys that environment's Worker, not CLOUDFLARE_ENV's (S6)", async () => {
  const env = { ...environment(), CLOUDFLARE_ENV: "none" };
  const args = ["deploy", "--env", "staging", "--secrets-file", "secrets.env"];
  const abort = new AbortController();
  const { out } = await vitrine(args, {
    ...{ folder, env, interrupted: abort.signal },
    heard: (said) => said.includes("Uploaded") && abort.abort(),
  });
  expect(cloudflare.uploaded).toEqual([{ worker: "vitrine-staging", secrets: FILE }]);
  expect(out).toContain(
    `Worker vitrine-staging (environment staging), at ${new URL(STAGING).host}:`,
  );
});

test("without a domain the doctor looks where wrangler says that the Worker is", async () => {
  const { env: _env, routes: _routes, ...top } = STAGED;
  const config = { ...top, main: "index.js", compatibility_date: "2026-11-01", workers_dev: true };
  folder = makeProject(config, "wrangler.toml", {
    ...{ "secrets.env": LINES.join(""), "index.js": "export default {};" },
  });
  const abort = new AbortController();
  const { err } = await vitrine(["deploy", "--secrets-file", "secrets.env"], {
    ...{ folder, env: environment(), interrupted: abort.signal },
    heard: (said) => said.includes("workers.dev\n") && abort.abort(),
  });
  expect(err).toContain("not checked: npx vitrine doctor --url https://vitrine.acme.workers.dev ");
});

test("no WRANGLER_CI_OVERRIDE_NAME of .env puts staging's secrets into another Worker (S5, S6)", async () => {
  const line = "WRANGLER_CI_OVERRIDE_NAME=vitrine\n";
  for (const name of [".env", ".env.local", ".env.staging"])
    writeFileSync(join(folder, name), line);
  const abort = new AbortController();
  const args = ["deploy", "--env", "staging", "--secrets-file", "secrets.env"];
  await vitrine(args, {
    ...{ folder, env: environment(), interrupted: abort.signal },
    heard: (said) => said.includes("Uploaded") && abort.abort(),
  });
  expect(cloudflare.uploaded).toEqual([{ worker: "vitrine-staging", secrets: FILE }]);
});

test("a plain wrangler deploy sends the shell's secrets: the reason for vitrine deploy (S5)", async () => {
  const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
  const args = [wrangler, "deploy", "--env", "", "--secrets-file", "secrets.env"];
  await promisify(execFile)(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, ...environment() },
  });
  expect(cloudflare.uploaded).toMatchObject([{ worker: "vitrine", secrets: SHELL }]);
});

/** A Worker with a store. */
const withStore = (binding: object) => {
  const { env: _env, ...top } = STAGED;
  const vars = { ...top.vars, ANSWERS: { store: "RENDITIONS" } };
  const config = { ...top, vars, r2_buckets: [{ binding: "RENDITIONS", ...binding }] };
  return makeProject(
    { ...config, main: "index.js", compatibility_date: "2026-11-01" },
    "wrangler.toml",
    { "secrets.env": LINES.join(""), "index.js": "export default {};" },
  );
};

test("a deploy makes the bucket of the store, in its jurisdiction (T9)", async () => {
  folder = withStore({ jurisdiction: "eu" });
  const abort = new AbortController();
  await vitrine(["deploy", "--secrets-file", "secrets.env"], {
    ...{ folder, env: environment(), interrupted: abort.signal },
    heard: (said) => said.includes("Uploaded") && abort.abort(),
  });
  expect(cloudflare.buckets).toEqual(["vitrine-renditions in eu"]);
  expect(cloudflare.uploaded).toEqual([{ worker: "vitrine", secrets: FILE }]);
});

test.each([
  ["a bucket that is to be made", {}],
  ["a bucket with a name", { bucket_name: "acme-renditions" }],
])(
  "without R2 in the account, a deploy with %s says in one sentence what to do",
  async (_what, binding) => {
    folder = withStore(binding);
    cloudflare.buckets = undefined;
    const args = ["deploy", "--secrets-file", "secrets.env"];
    const { code, err } = await vitrine(args, { folder, env: environment() });
    expect([code, cloudflare.uploaded]).toEqual([2, []]);
    expect(err).toContain("R2 is not switched on in this account, or wrangler may not use it: ");
  },
);

test("a first deploy without the secrets that it requires says how to give them", async () => {
  const { code, err } = await vitrine(["deploy"], { folder, env: environment() });
  expect([code, cloudflare.uploaded]).toEqual([2, []]);
  expect(err).toContain(
    `wrangler deploy ended with 1. Put the secrets that it names, and no others, into a file: npx vitrine deploy --env "" --secrets-file`,
  );
});
