// The real wrangler, in front of an account of Cloudflare on loopback: which key is deployed, and into which Worker.

import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { deploy } from "../../support/cli/doctor.ts";
import { createProject, envLine, STAGED } from "../../support/cli/folder.ts";
import { addOpenBucket } from "../../support/cli/policed-s3.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import {
  type CloudflareAccount,
  startCloudflareAccount,
} from "../../support/cloudflare/account.ts";
import { ENV, HEALTH_TOKEN, SECRETS } from "../../support/env.ts";
import { arrange } from "../../support/run-worker.ts";

let account: CloudflareAccount;

const FILE = { ...SECRETS, HEALTH_TOKEN: `$HOME ${HEALTH_TOKEN}` };
const LINES = Object.entries(FILE).map(([name, value]) => envLine(name, value));
/** What DevOps have in their shells. */
const SHELL = {
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7ADMINXX",
  AWS_SECRET_ACCESS_KEY: "the-secret-of-an-admin-of-everything",
  HEALTH_TOKEN: "another token that is not to be guessed",
};

const CONFIG = { ...STAGED, main: "index.js", compatibility_date: "2026-11-01" };
const { env: _env, ...TOP } = CONFIG;
const WITH_FILE = ["deploy", "--secrets-file", "secrets.env"];

let folder: string;

function project(config: object): void {
  folder = createProject({ ...config }, "wrangler.toml", {
    ...{ "secrets.env": LINES.join(""), "index.js": "export default {};" },
  });
}

beforeEach(async () => {
  account = await startCloudflareAccount();
  project(CONFIG);
});

afterEach(() => void vi.unstubAllEnvs());

const environment = () => ({
  ...{ HOME: folder, PATH: process.env["PATH"] ?? "", ...account.env, ...SHELL },
});

/** Runs it until wrangler says something: the doctor is not asked. */
function deployUntil(says: string, args: readonly string[], more: object = {}) {
  const abort = new AbortController();
  return vitrine(args, {
    ...{ folder, env: { ...environment(), ...more }, interrupted: abort.signal },
    onOutput: (output) => output.includes(says) && abort.abort(),
  });
}

test("vitrine deploy sends the file's secrets, whatever the shell and .env have (S5)", async () => {
  arrange({ firewall: true });
  deploy({ ...ENV, ...FILE });
  vi.stubEnv("TMPDIR", folder);
  writeFileSync(join(folder, ".env"), 'AWS_SECRET_ACCESS_KEY="of-the-file-.env"\n');
  const { code, out, err } = await vitrine(WITH_FILE, { folder, env: environment() });
  expect(account.uploaded).toEqual([{ worker: "vitrine", secrets: FILE }]);
  expect(out).toContain("Worker vitrine (the top level) gets AWS_ACCESS_KEY_ID");
  expect(err).toContain("Uploaded vitrine");
  for (const secret of [...Object.values(FILE), ...Object.values(SHELL)]) {
    expect(out + err).not.toContain(secret);
  }
  expect([code, out]).toEqual([0, expect.stringContaining("S3 knows it (from secrets.env)")]);
  expect(readdirSync(folder).filter((name) => name.startsWith("vitrine-"))).toEqual([]);
});

test("--env deploys that environment's Worker, not CLOUDFLARE_ENV's, nor one that .env names (S5, S6)", async () => {
  for (const name of [".env", ".env.local", ".env.staging"]) {
    writeFileSync(join(folder, name), "WRANGLER_CI_OVERRIDE_NAME=vitrine\n");
  }
  addOpenBucket("acme-staging");
  const args = [...WITH_FILE, "--env", "staging"];
  const { out } = await deployUntil("Uploaded", args, { CLOUDFLARE_ENV: "none" });
  expect(account.uploaded).toEqual([{ worker: "vitrine-staging", secrets: FILE }]);
  expect(out).toContain("Worker vitrine-staging (env.staging) gets");
});

/** A Worker with a store. */
const withStore = (binding: object) => {
  const vars = { ...TOP.vars, ANSWERS: { store: "RENDITIONS" } };
  project({ ...TOP, vars, r2_buckets: [{ binding: "RENDITIONS", ...binding }] });
};

test("a deploy makes the bucket of the store, in its jurisdiction (T9)", async () => {
  withStore({ jurisdiction: "eu" });
  await deployUntil("Uploaded", WITH_FILE);
  expect(account.buckets).toEqual(["vitrine-renditions in eu"]);
  expect(account.uploaded).toEqual([{ worker: "vitrine", secrets: FILE }]);
});

test("without R2 in the account, a deploy with a store says what to do", async () => {
  withStore({});
  account.buckets = undefined;
  const { code, err } = await vitrine(WITH_FILE, { folder, env: environment() });
  expect([code, account.uploaded]).toEqual([2, []]);
  expect(err).toContain("R2 is not switched on in this account");
});
